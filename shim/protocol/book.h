/// The book of one session: where it is, what was agreed, and which messages fit. See states.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "protocol/epochs.h"
#include "protocol/heartbeat.h"
#include "protocol/limits.h"
#include "protocol/messages.h"
#include "protocol/states.h"

namespace stembridge::protocol {

/// What an end knows of a session.
class Book {
public:
    State state() const;
    /// 0 without a session.
    std::uint64_t token() const { return token_; }
    /// Of the newest CONFIGURE.
    std::int64_t request() const { return request_; }
    /// Of the newest CONFIGURED.
    std::int64_t agreed() const { return agreed_; }
    /// The request that was not answered yet; 0 when there is none.
    std::int64_t pending() const { return asked_ ? asked_->request : 0; }
    const Epochs& epochs() const { return epochs_; }
    /// How often each side sends something.
    std::int64_t heartbeatUs() const { return heartbeatUs_; }
    /// That of a socket; none until it is in use.
    const std::optional<Heartbeat>& beat(Socket socket) const {
        return beats_[static_cast<std::size_t>(socket)];
    }

    void noteHeard(Socket socket, std::int64_t nowUs);
    void noteSent(Socket socket, std::int64_t nowUs);

    /// Take a message of either side into the book; false when it is about something over.
    ///
    /// types: what this side may send over that socket. Throws Refusal, and changes nothing then.
    bool enter(const Message& message, MessageTypes types);

    /// The session is over. Numbers go on counting up, so that what crosses is recognised.
    void end();

private:
    struct Asked {
        std::int64_t request = 0;
        std::int64_t channels = 0;
    };

    bool take(const Hello& message);
    bool take(const Welcome& message);
    bool take(const Configure& message);
    bool take(const Progress& message);
    bool take(const Configured& message);
    bool take(const Attach& message);
    bool take(const Attached& message);
    bool take(const Reset& message);
    bool take(const Lost& message);
    bool take(const Error& message);
    bool take(const Bye& message);
    /// PING, STATUS and the like, which leave no trace here; and those about an epoch.
    template <typename M>
    bool take(const M& message);

    enum class Handshake { kOffline, kGreeting, kDone };

    Handshake handshake_ = Handshake::kOffline;
    std::uint64_t token_ = 0;
    std::int64_t request_ = 0;
    std::int64_t agreed_ = 0;
    std::int64_t heartbeatUs_ = kGreetingUs;
    std::array<std::optional<Heartbeat>, 2> beats_;
    Epochs epochs_;
    std::optional<Asked> asked_;
    std::deque<std::int64_t> asks_;        // the newest kPlans
    std::map<std::int64_t, Terms> terms_;  // by request
    bool attached_ = false;
    bool lost_ = false;
};

}  // namespace stembridge::protocol
