#include "link/stream.h"

#include <algorithm>

#include "core/conversion.h"
#include "core/rates.h"

namespace stembridge::link {
namespace {

// Input that no run waits for is sent in such steps: resampling more takes long for one message.
constexpr std::int64_t kHeldUs = 100'000;
// Input that is kept beyond what is needed, in seconds: the audio thread may be that far ahead.
constexpr std::int64_t kSpareSeconds = 1;
constexpr std::int64_t kMostSeconds = 120;

}  // namespace

Outcome<LivePlan> livePlan(const protocol::Configure& wish, const protocol::SavedPlan& saved,
                           std::int64_t latency) {
    const LivePlan plan{design(wish.rate, saved.modelRate), design(saved.modelRate, wish.rate),
                        saved.hop, saved.lookahead, saved.window, saved.fade};
    if (!plan.isPossible() || latency < 1) {
        return Problem{"the plan for " + wish.model + " cannot work; choose the model again"};
    }
    if (memory(plan) + latency > kMostSeconds * wish.rate) {
        return Problem{"the plan for " + wish.model +
                       " would keep more than two minutes of audio; choose the model again"};
    }
    return plan;
}

Stream::Stream(std::shared_ptr<Track> track, const protocol::Configure& wish,
               const protocol::Configured& agreed, const LivePlan& plan)
    : track_(std::move(track)),
      wish_(wish),
      agreed_(agreed),
      plan_(plan),
      since_(early()),
      number_(track_->configure({agreed.latency, agreed.plan.guard, agreed.sources, since_})) {}

// Where the oldest input that nobody took yet begins, if it was played by the latency that was agreed:
// its stems are heard where they come in time.
std::optional<std::int64_t> Stream::early() const {
    const auto record = track_->nextInput();
    const bool isOurs = record && record->header.plan == 0 && track_->latency() == agreed_.latency;
    return isOurs ? std::optional(record->header.start) : std::nullopt;
}

bool Stream::isFor(const protocol::Configured& answer) const {
    return answer.plan == agreed_.plan && answer.latency == agreed_.latency &&
           answer.sources == agreed_.sources;
}

void Stream::exchange() {
    while (const auto record = track_->nextInput()) {
        const bool isEarly = since_ && record->header.plan == 0;
        if (isEarly || record->header.plan == number_) {  // else another plan played it
            takeInput(record->header, record->samples);
        }
        track_->popInput();
    }
    deliver();
}

void Stream::takeInput(const InputHeader& header, PlanarView block) {
    if (history_ == nullptr) {
        const std::int64_t kept =
            memory(plan_) + agreed_.latency + wish_.block + kSpareSeconds * wish_.rate;
        const std::int64_t held = floorScaled(wish_.rate, kMicroseconds, kHeldUs);
        history_ = std::make_unique<History>(wish_.channels, kept, header.start);
        feed_ = std::make_unique<Feed>(*history_, plan_, held);
        feed_->agree(agreed_.request, agreed_.credit, agreed_.phase);
    } else if (header.epoch != epoch_) {
        feed_->end();
        history_->skip(header.start - history_->stop());  // what was lost on the way to us
        feed_->begin(header.start);
    }
    epoch_ = header.epoch;
    history_->append(block);
}

void Stream::agree(const protocol::Configured& answer) {
    agreed_ = answer;
    if (feed_ != nullptr) {
        feed_->agree(answer.request, answer.credit, answer.phase);
    }
}

void Stream::lose(std::int64_t last) {
    if (feed_ != nullptr) {
        feed_->lose(last);
    }
}

std::optional<Outgoing> Stream::next(std::uint64_t token, std::int64_t number, std::int64_t most,
                                     bool whole) {
    if (feed_ == nullptr) {
        return std::nullopt;
    }
    return feed_->next(token, number, most, track_->due(), whole);
}

void Stream::take(const protocol::Stems& stems) {
    if (feed_ == nullptr) {
        return;
    }
    const Span ours = feed_->take(stems);
    if (ours.empty()) {
        return;
    }
    const std::int64_t rows = stems.audio.sources * stems.audio.channels;
    const auto length = static_cast<std::size_t>(ours.length);
    Piece piece{ours.start, ours.length, 0,
                std::vector<float>(static_cast<std::size_t>(rows) * length)};
    for (std::int64_t row = 0; row < rows; ++row) {
        const auto to = std::span(piece.samples).subspan(static_cast<std::size_t>(row) * length);
        stems.audio.copy(row / stems.audio.channels, row % stems.audio.channels,
                         ours.start - stems.start, to.first(length));
    }
    waiting_.push_back(std::move(piece));
    deliver();
}

// Hands over what waits, as far as there is room and it is not too late already.
void Stream::deliver() {
    const std::int64_t due = track_->due();
    while (!waiting_.empty()) {
        Piece& piece = waiting_.front();
        if (piece.start + piece.frames > due) {
            const auto rows = static_cast<std::int64_t>(piece.samples.size()) / piece.frames;
            piece.done = track_->offerStems(piece.start, {piece.samples.data(), rows, piece.frames},
                                            piece.done);
            if (piece.done < piece.frames) {
                return;
            }
        }
        waiting_.pop_front();
    }
}

void Stream::take(const protocol::Credit& credit) {
    if (feed_ != nullptr) {
        feed_->take(credit);
    }
}

void Stream::take(const protocol::Drained& drained) {
    if (feed_ != nullptr) {
        feed_->take(drained);
    }
}

}  // namespace stembridge::link
