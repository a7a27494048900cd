#include "link/feed.h"

#include <algorithm>

namespace stembridge::link {

Span Epoch::clip(Span span) const {
    return span.intersect(Span::between(start, stop.value_or(span.stop())));
}

Feed::Feed(const History& history, const LivePlan& plan, std::int64_t held)
    : history_(history), plan_(plan), memory_(memory(plan)), held_(held) {
    begin(history.stop());
}

void Feed::begin(std::int64_t origin) {
    end();
    epochs_.push_back({.origin = origin, .start = history_.stop(), .stop = std::nullopt});
}

void Feed::end() {
    if (epochs_.empty() || epochs_.back().stop) {
        return;
    }
    Epoch& newest = epochs_.back();
    newest.stop = history_.stop();
    if (newest.start == *newest.stop) {
        epochs_.pop_back();
    }
}

void Feed::agree(std::int64_t request, std::int64_t credit, std::int64_t phase) {
    request_ = request;
    credit_ = credit;
    phase_ = phase;
    lose();
}

void Feed::lose(std::int64_t last) {
    const auto isLost = [&](const Epoch& epoch) { return epoch.number > 0 && epoch.number <= last; };
    if (std::any_of(epochs_.begin(), epochs_.end(), isLost)) {
        for (Epoch& epoch : epochs_) {
            epoch.number = 0;
        }
    }
}

Span Feed::take(const protocol::Stems& stems) {
    Epoch* epoch = find(stems.epoch);
    if (epoch == nullptr) {
        return {};
    }
    const Span span{stems.start, stems.audio.frames};
    epoch->got = std::max(epoch->got, span.stop());
    epoch->received = std::max(epoch->received, stems.received);
    return epoch->clip(span);
}

void Feed::take(const protocol::Credit& credit) {
    if (Epoch* epoch = find(credit.epoch)) {
        epoch->received = std::max(epoch->received, credit.received);
    }
}

void Feed::take(const protocol::Drained& drained) {
    if (const Epoch* epoch = find(drained.epoch)) {
        epochs_.erase(epochs_.begin() + (epoch - epochs_.data()));
    }
}

std::optional<Outgoing> Feed::next(std::uint64_t token, std::int64_t number, std::int64_t most,
                                   std::int64_t due, bool whole) {
    forgetPast(due);
    Epoch* epoch = unsent();
    if (epoch == nullptr) {
        return std::nullopt;
    }
    if (epoch->number == 0) {
        return mayOpen(*epoch) ? std::optional(open(*epoch, token, number, due)) : std::nullopt;
    }
    const std::int64_t end = epoch->stop.value_or(history_.stop());
    const std::int64_t allowed = std::min(end, epoch->received + credit_);
    const std::int64_t count = std::min(allowed - epoch->sent, most);
    const bool filled = count >= std::min(held_, most);
    if (count > 0 && (whole || filled || allowed < end || isWaitedFor(*epoch, count))) {
        return send(*epoch, token, count, due);
    }
    if (!epoch->stop || epoch->sent < *epoch->stop) {
        return std::nullopt;
    }
    epoch->draining = true;
    return Outgoing{protocol::Drain{token, epoch->number, *epoch->stop}, nullptr};
}

// The open epoch of that number; null when it is over.
Epoch* Feed::find(std::int64_t number) {
    const auto found = std::find_if(epochs_.begin(), epochs_.end(), [&](const Epoch& epoch) {
        return epoch.number == number;
    });
    return found == epochs_.end() ? nullptr : &*found;
}

// The oldest epoch of which something is left to be sent.
Epoch* Feed::unsent() {
    const auto found = std::find_if(epochs_.begin(), epochs_.end(), [](const Epoch& epoch) {
        return epoch.number == 0 || !epoch.draining;
    });
    return found == epochs_.end() ? nullptr : &*found;
}

// Whether the next `count` frames make a run ready or end the epoch.
bool Feed::isWaitedFor(const Epoch& epoch, std::int64_t count) const {
    const std::int64_t sent = epoch.sent - (epoch.origin - epoch.phase);
    const bool ready = plan_.hostRuns(sent + count) > plan_.hostRuns(sent);
    return ready || epoch.stop;
}

// Whether RESET would take away nothing that is wanted, and is not for nothing.
bool Feed::mayOpen(const Epoch& epoch) const {
    // It ends the epochs before it at its origin, and of too many the oldest one altogether.
    std::size_t others = 0;
    for (const Epoch& one : epochs_) {
        if (one.number == 0) {
            continue;
        }
        if (!one.stop || *one.stop > epoch.origin) {
            return false;
        }
        ++others;
    }
    return others < protocol::kEpochs && history_.stop() > epoch.start;
}

Outgoing Feed::open(Epoch& epoch, std::uint64_t token, std::int64_t number,
                    std::int64_t due) const {
    std::int64_t start = std::max(epoch.origin, std::max(epoch.start, due) - memory_);
    if (start > epoch.start) {
        start = std::max(start, history_.start());
    }
    epoch.number = number;
    epoch.draining = false;
    epoch.phase = phase_;
    epoch.sent = epoch.received = epoch.got = start;
    return {protocol::Reset{token, number, epoch.origin, start, request_, phase_}, nullptr};
}

Outgoing Feed::send(Epoch& epoch, std::uint64_t token, std::int64_t count,
                    std::int64_t due) const {
    const std::int64_t start = epoch.sent;
    // Between its origin and its start it is silent.
    const std::int64_t silent = std::clamp<std::int64_t>(epoch.start - start, 0, count);
    const std::int64_t channels = history_.channels();
    auto samples = std::make_shared<std::vector<float>>(static_cast<std::size_t>(channels * count));
    history_.read({start + silent, count - silent}, samples->data() + silent, count);
    epoch.sent += count;
    // What was due before is not waited for any more, whether it came or not.
    const std::int64_t got = std::max(epoch.got, due);
    const protocol::InputBlock audio{channels, count,
                                     protocol::Samples(std::span<const float>(*samples))};
    return {protocol::Audio{token, epoch.number, start, got, audio}, samples};
}

void Feed::forgetPast(std::int64_t due) {
    std::erase_if(epochs_, [&](const Epoch& epoch) { return epoch.stop && *epoch.stop <= due; });
    for (Epoch& epoch : epochs_) {
        const std::int64_t unsent = std::max(epoch.sent, epoch.start);
        if (epoch.number != 0 && !epoch.draining && unsent < history_.start()) {
            epoch.number = 0;  // it fell too far behind, and has to leave something out
        }
    }
}

}  // namespace stembridge::link
