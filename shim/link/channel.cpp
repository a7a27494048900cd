#include "link/channel.h"

#include <algorithm>

#include "protocol/codec.h"
#include "protocol/limits.h"

namespace stembridge::link {
namespace {

using protocol::Socket;

// How long a server may take to let us in. Then the connection file is read again.
constexpr std::int64_t kAttemptUs = 3'000'000;
// Waits before the connection is opened again, doubled each time.
constexpr std::int64_t kPauseUs = 100'000;
constexpr std::int64_t kLongestPauseUs = 2'000'000;
// How long a goodbye may take, so that the server hears of it and need not wait for silence.
constexpr int kGoodbyeMs = 200;
// Added to the longest round trip and a quarter: blocks and stems are larger than a ping.
constexpr std::int64_t kMoreUs = 500;
// Messages taken before it is the next client's turn; what a client's queue holds.
constexpr int kMostAtOnce = 256;

constexpr protocol::MessageTypes acceptedFrom(Socket socket) {
    return socket == Socket::kControl ? protocol::kControlToClient : protocol::kAudioToClient;
}

}  // namespace

void Channel::open(std::unique_ptr<Sockets> sockets, RoundTrips trips, std::int64_t nowUs) {
    sockets_ = std::move(sockets);
    trips_ = trips;
    openedUs_ = nowUs;
    greeted_ = attaching_ = attached_ = asked_ = false;
}

void Channel::ask(protocol::Configure wish) {
    wish_ = std::move(wish);
    answer_.reset();
    asked_ = false;
}

void Channel::tend(std::int64_t nowUs, const Handler& handler) {
    receive(Socket::kControl, nowUs, handler);
    receive(Socket::kAudio, nowUs, handler);
    if (isOpen()) {
        shakeHands(nowUs);
    }
    if (isOpen()) {
        keepAlive(nowUs);
    }
}

void Channel::send(const protocol::Message& message, std::int64_t nowUs,
                   std::shared_ptr<const void> owner) {
    sendOver(Socket::kAudio, message, nowUs, std::move(owner));
}

void Channel::sendOver(Socket socket, const protocol::Message& message, std::int64_t nowUs,
                       std::shared_ptr<const void> owner) {
    if (!isOpen()) {
        return;
    }
    try {
        session_.send(socket, message, nowUs);
        if (!sockets_->send(socket, protocol::encode(message), std::move(owner))) {
            drop("the connection to the sidecar broke", nowUs);
        }
    } catch (const protocol::LocalProtocolError& error) {
        drop(std::string("the plug-in has a mistake: ") + error.what(), nowUs);
    }
}

void Channel::drop(std::string problem, std::int64_t nowUs) {
    sayGoodbye(nowUs);
    close(kGoodbyeMs);
    problem_ = std::move(problem);
    reopenUs_ =
        nowUs + std::min(kPauseUs << std::min<std::int64_t>(failures_, 10), kLongestPauseUs);
    ++failures_;
}

void Channel::leave(std::int64_t nowUs) {
    sayGoodbye(nowUs);
    close(kGoodbyeMs);
}

// Else the server would keep the session until it was silent for long, and say just that. One that is
// stopped finds the goodbye when it goes on.
void Channel::sayGoodbye(std::int64_t nowUs) {
    if (!isOpen() || token() == 0 || !sockets_->isWritable(Socket::kControl)) {
        return;
    }
    const protocol::Bye goodbye{token()};
    try {
        session_.send(Socket::kControl, goodbye, nowUs);
        sockets_->send(Socket::kControl, protocol::encode(goodbye), nullptr);
    } catch (const protocol::LocalProtocolError&) {  // not before it has let us in
    }
}

void Channel::close(int lingerMs) {
    if (isOpen()) {
        sockets_->linger(lingerMs);
        sockets_.reset();
    }
    attached_ = false;
    load_ = -1;
    answer_.reset();
    session_.disconnect();
}

void Channel::receive(Socket socket, std::int64_t nowUs, const Handler& handler) {
    for (int i = 0; i < kMostAtOnce && isOpen(); ++i) {
        const std::optional<Incoming> came = sockets_->receive(socket);
        if (!came) {
            return;
        }
        const std::vector<protocol::Frame> frames = came->views();
        const protocol::Decoded decoded = protocol::decode(frames, acceptedFrom(socket));
        const auto* refusal = std::get_if<protocol::Refusal>(&decoded);
        const auto* message = std::get_if<protocol::Message>(&decoded);
        protocol::Receipt receipt;
        if (message != nullptr) {
            receipt = session_.receive(socket, *message, nowUs);
            refusal = receipt.refusal ? &*receipt.refusal : nullptr;
        }
        if (refusal != nullptr) {
            drop("the sidecar broke the protocol: " + refusal->why, nowUs);
            return;
        }
        const bool news = receipt.fresh && !handle(socket, *message, nowUs);
        // The loss of an epoch that is not the newest any more is news all the same.
        if (news || std::holds_alternative<protocol::Lost>(*message)) {
            handler(*message);
        }
    }
}

// Deals with what is about the connection itself; false for everything else.
bool Channel::handle(Socket socket, const protocol::Message& message, std::int64_t nowUs) {
    if (const auto* welcome = std::get_if<protocol::Welcome>(&message)) {
        mostFrames_ = welcome->maxFrames;
        presets_ = welcome->presets;
    } else if (std::holds_alternative<protocol::Attached>(message)) {
        attached_ = true;
    } else if (const auto* ping = std::get_if<protocol::Ping>(&message)) {
        sendOver(socket, protocol::Pong{ping->stamp}, nowUs, nullptr);
    } else if (const auto* pong = std::get_if<protocol::Pong>(&message)) {
        if (socket == Socket::kControl) {
            load_ = pong->load;
        } else if (!trips_.isDone()) {
            const std::int64_t tookUs = nowUs - static_cast<std::int64_t>(pong->stamp);
            trips_.longestUs = std::max(trips_.longestUs, tookUs);
            ++trips_.came;
        }
    } else if (const auto* error = std::get_if<protocol::Error>(&message)) {
        if (error->request == 0) {
            drop(said(*error), nowUs);
            return true;
        }
        answer_ = *error;
        return false;
    } else if (const auto* configured = std::get_if<protocol::Configured>(&message)) {
        answer_ = *configured;
        return false;
    } else if (std::holds_alternative<protocol::Bye>(message)) {
        drop("the sidecar ended the session", nowUs);
    } else {
        return false;
    }
    return true;
}

// Sends the next message of the handshake, if it is our turn and can be done now.
void Channel::shakeHands(std::int64_t nowUs) {
    if (!attached_ && nowUs - openedUs_ > kAttemptUs) {
        drop("the sidecar does not answer", nowUs);
    } else if (!greeted_) {
        if (sockets_->isWritable(Socket::kControl)) {
            greeted_ = true;
            sendOver(Socket::kControl, protocol::Hello{protocol::kVersion, name_}, nowUs, nullptr);
        }
    } else if (token() != 0 && !attaching_) {
        if (sockets_->isWritable(Socket::kAudio)) {
            attaching_ = true;
            sendOver(Socket::kAudio, protocol::Attach{token()}, nowUs, nullptr);
        }
    } else if (attached_ && wish_ && !asked_ && needsTrips() && !trips_.isDone()) {
        measure(nowUs);
    } else if (attached_ && wish_ && !asked_ && sockets_->isWritable(Socket::kControl)) {
        asked_ = true;
        if (needsTrips()) {
            wish_->transportUs = trips_.longestUs * 5 / 4 + kMoreUs;
        }
        wish_->session = token();
        wish_->request = session_.request() + 1;
        sendOver(Socket::kControl, *wish_, nowUs, nullptr);
    }
}

bool Channel::needsTrips() const { return !wish_->saved && wish_->transportUs == 0; }

void Channel::measure(std::int64_t nowUs) {
    if (trips_.sent < trips_.wanted && nowUs >= trips_.nextUs) {
        ++trips_.sent;
        trips_.nextUs = nowUs + trips_.gapUs;
        sendOver(Socket::kAudio, protocol::Ping{static_cast<std::uint64_t>(nowUs), 0}, nowUs,
                 nullptr);
    }
}

void Channel::keepAlive(std::int64_t nowUs) {
    if (session_.isGone(nowUs)) {
        drop("the sidecar is silent", nowUs);
        return;
    }
    for (const Socket socket : {Socket::kControl, Socket::kAudio}) {
        if (isOpen() && attached_ && !sockets_->isWritable(socket)) {
            drop("the connection to the sidecar broke", nowUs);
        } else if (isOpen() && session_.pingDue(socket, nowUs)) {
            const protocol::Ping ping{static_cast<std::uint64_t>(nowUs),
                                      std::min(lateFrames, protocol::kNumber)};
            sendOver(socket, ping, nowUs, nullptr);
        }
    }
}

std::string said(const protocol::Error& error) {
    return error.hint.empty() ? error.text : error.text + "; " + error.hint;
}

}  // namespace stembridge::link
