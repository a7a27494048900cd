#include "protocol/epochs.h"

#include <algorithm>

#include "protocol/codes.h"
#include "protocol/limits.h"
#include "protocol/words.h"

namespace stembridge::protocol {
namespace {

/// Input was used up to `received`.
void acknowledge(Epoch& epoch, std::int64_t received) {
    if (received < epoch.received || received > epoch.inputEnd) {
        throw Refusal{Code::kOrder, words("input received up to ", received, ", expected ",
                                          epoch.received, " to ", epoch.inputEnd)};
    }
    epoch.received = received;
}

}  // namespace

Epochs::Epochs() { open_.reserve(kEpochs + 1); }

const Epoch* Epochs::current() const {
    return open_.empty() || open_.back().number != newest_ ? nullptr : &open_.back();
}

void Epochs::open(const Reset& message, const Terms& terms) {
    if (message.epoch <= newest_) {
        throw Refusal{Code::kOrder,
                      words("epoch ", message.epoch, " after ", newest_, "; count epochs up")};
    }
    if (message.start < message.origin) {
        throw Refusal{Code::kOrder, words("an epoch that starts at ", message.start,
                                          ", before its origin ", message.origin)};
    }
    if (message.phase != 0 && message.phase != terms.phase) {
        throw Refusal{Code::kOrder, words("a phase of ", message.phase, ", expected ", terms.phase,
                                          ", as was agreed")};
    }
    for (Epoch& epoch : open_) {
        epoch.stop = std::min(epoch.stop.value_or(epoch.inputEnd), message.origin);
    }
    std::erase_if(open_, [](const Epoch& epoch) { return *epoch.stop <= epoch.start; });
    newest_ = message.epoch;
    request_ = message.request;
    open_.push_back({.number = message.epoch,
                     .terms = terms,
                     .start = message.start,
                     .inputEnd = message.start,
                     .received = message.start,
                     .stemsEnd = message.start,
                     .stop = {}});
    if (open_.size() > kEpochs) open_.erase(open_.begin());
}

bool Epochs::enter(const Audio& message) {
    Epoch* epoch = find(message.epoch);
    if (epoch == nullptr) return false;
    if (message.audio.channels != epoch->terms.channels) {
        throw Refusal{Code::kFormat, words(message.audio.channels, " channels of input, expected ",
                                           epoch->terms.channels)};
    }
    if (epoch->stop || message.start < epoch->start || message.start > epoch->inputEnd) {
        throw Refusal{Code::kOrder,
                      words("input at ", message.start, ", expected some from ", epoch->start,
                            " to ", epoch->inputEnd, " before the epoch is drained; leave no gap")};
    }
    const std::int64_t end = message.start + message.audio.frames;
    const std::int64_t most = epoch->received + epoch->terms.credit;
    if (end > kFrame) {  // no other message could name it
        throw Refusal{Code::kOrder, words("input up to ", end, ", expected at most ", kFrame)};
    }
    if (end > most) {
        throw Refusal{Code::kCredit,
                      words("input up to ", end, ", expected at most ", most, "; wait for credit")};
    }
    epoch->inputEnd = std::max(epoch->inputEnd, end);
    return true;
}

bool Epochs::enter(const Drain& message) {
    Epoch* epoch = find(message.epoch);
    if (epoch == nullptr) return false;
    if (epoch->stop) {
        throw Refusal{Code::kOrder, words("epoch ", epoch->number, " has been drained before")};
    }
    if (message.stop < epoch->start || message.stop > epoch->inputEnd) {
        throw Refusal{Code::kOrder, words("an end at ", message.stop, ", expected ", epoch->start,
                                          " to ", epoch->inputEnd, "; send the input first")};
    }
    epoch->stop = message.stop;
    return true;
}

bool Epochs::enter(const Stems& message) {
    Epoch* epoch = find(message.epoch);
    if (epoch == nullptr) return false;
    const StemBlock& audio = message.audio;
    if (audio.sources != epoch->terms.sources || audio.channels != epoch->terms.channels) {
        throw Refusal{Code::kFormat,
                      words(audio.sources, " stems of ", audio.channels, " channels, expected ",
                            epoch->terms.sources, " of ", epoch->terms.channels)};
    }
    const std::int64_t end = message.start + audio.frames;
    if (message.start < epoch->stemsEnd || end > epoch->inputEnd) {
        throw Refusal{Code::kOrder,
                      words("stems from ", message.start, " to ", end, ", expected some from ",
                            epoch->stemsEnd, " to ", epoch->inputEnd)};
    }
    acknowledge(*epoch, message.received);
    epoch->stemsEnd = end;
    return true;
}

bool Epochs::enter(const Credit& message) {
    Epoch* epoch = find(message.epoch);
    if (epoch == nullptr) return false;
    acknowledge(*epoch, message.received);
    return true;
}

bool Epochs::enter(const Drained& message) {
    const Epoch* epoch = find(message.epoch);
    if (epoch == nullptr) return false;
    if (!epoch->stop) {
        throw Refusal{Code::kOrder, words("epoch ", epoch->number, " has not been drained")};
    }
    open_.erase(open_.begin() + (epoch - open_.data()));
    return true;
}

Epoch* Epochs::find(std::int64_t number) {
    if (number > newest_) {
        throw Refusal{Code::kOrder, words("epoch ", number, ", expected at most ", newest_,
                                          "; send RESET first")};
    }
    const auto found = std::find_if(open_.begin(), open_.end(),
                                    [=](const Epoch& epoch) { return epoch.number == number; });
    return found == open_.end() ? nullptr : &*found;
}

}  // namespace stembridge::protocol
