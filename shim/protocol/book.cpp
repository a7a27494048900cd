#include "protocol/book.h"

#include <algorithm>
#include <variant>

#include "protocol/codes.h"
#include "protocol/words.h"

namespace stembridge::protocol {
namespace {

[[noreturn]] void outOfOrder(std::string why) { throw Refusal{Code::kOrder, std::move(why)}; }

}  // namespace

State Book::state() const {
    if (handshake_ == Handshake::kOffline) return State::kOffline;
    if (handshake_ == Handshake::kGreeting) return State::kGreeting;
    if (terms_.empty()) return State::kNew;
    if (lost_) return State::kLost;
    const Epoch* epoch = epochs_.current();
    if (epoch == nullptr) return State::kConfigured;
    return epoch->stop ? State::kDraining : State::kRunning;
}

void Book::noteHeard(Socket socket, std::int64_t nowUs) {
    auto& beat = beats_[static_cast<std::size_t>(socket)];
    if (!beat) beat = Heartbeat{nowUs, nowUs};
    beat->heardUs = nowUs;
}

void Book::noteSent(Socket socket, std::int64_t nowUs) {
    auto& beat = beats_[static_cast<std::size_t>(socket)];
    if (!beat) beat = Heartbeat{nowUs, nowUs};
    beat->sentUs = nowUs;
}

bool Book::enter(const Message& message, MessageTypes types) {
    if (!types.contains(message.index())) {
        throw Refusal{Code::kType, "it may not be sent over this socket"};
    }
    if (!allowedIn(state()).contains(message.index())) {
        outOfOrder(words("it may not be sent while the session is ", nameOf(state())));
    }
    return std::visit([this](const auto& one) { return take(one); }, message);
}

void Book::end() {
    handshake_ = Handshake::kOffline;
    token_ = 0;
    heartbeatUs_ = kGreetingUs;
    beats_.fill(std::nullopt);
    epochs_.clear();
    asked_.reset();
    asks_.clear();
    terms_.clear();
    attached_ = lost_ = false;
}

bool Book::take(const Hello&) {
    end();
    handshake_ = Handshake::kGreeting;
    return true;
}

bool Book::take(const Welcome& message) {
    handshake_ = Handshake::kDone;
    token_ = message.session;
    heartbeatUs_ = message.heartbeatUs;
    return true;
}

bool Book::take(const Configure& message) {
    if (message.request <= request_) {
        outOfOrder(words("request ", message.request, " after ", request_, "; count requests up"));
    }
    request_ = message.request;
    asked_ = Asked{message.request, message.channels};
    asks_.push_back(message.request);
    if (asks_.size() > kPlans) asks_.pop_front();
    std::erase_if(terms_, [this](const auto& entry) {
        const std::int64_t request = entry.first;
        return request != agreed_ && request != epochs_.request() &&
               std::find(asks_.begin(), asks_.end(), request) == asks_.end();
    });
    return true;
}

bool Book::take(const Progress& message) { return message.request == pending(); }

bool Book::take(const Configured& message) {
    if (message.request > request_) {
        outOfOrder(words("request ", message.request, ", which nobody made"));
    }
    if (message.request != pending()) return false;
    terms_[message.request] = Terms{.channels = asked_->channels,
                                    .sources = static_cast<std::int64_t>(message.sources.size()),
                                    .credit = message.credit,
                                    .phase = message.phase};
    agreed_ = message.request;
    asked_.reset();
    return true;
}

bool Book::take(const Attach&) {
    epochs_.clear();
    attached_ = true;
    lost_ = false;
    return true;
}

bool Book::take(const Attached&) {
    if (!attached_) outOfOrder("nothing was attached");
    return true;
}

bool Book::take(const Reset& message) {
    if (!attached_) outOfOrder("the audio socket is not attached; send ATTACH first");
    const auto terms = terms_.find(message.request);
    if (terms == terms_.end()) {
        outOfOrder(words("request ", message.request, " has no plan; CONFIGURE first"));
    }
    epochs_.open(message, terms->second);
    lost_ = false;
    return true;
}

bool Book::take(const Lost& message) {
    if (message.epoch > epochs_.newest()) {
        outOfOrder(words("epoch ", message.epoch, " was never opened"));
    }
    if (message.epoch < epochs_.newest() || epochs_.current() == nullptr) return false;
    epochs_.clear();
    lost_ = true;
    return true;
}

bool Book::take(const Error& message) {
    if (message.request != 0) {
        if (message.request != pending()) return false;
        asked_.reset();
    } else if (message.session != 0 || handshake_ == Handshake::kGreeting) {
        end();
    }
    return true;
}

bool Book::take(const Bye&) {
    end();
    return true;
}

template <typename M>
bool Book::take(const M& message) {
    if constexpr (requires { epochs_.enter(message); }) {
        return epochs_.enter(message);
    } else {
        return true;
    }
}

}  // namespace stembridge::protocol
