/// The connection of one client: sockets, handshake, heartbeats, and giving up to begin again.
///
///     closed --open--> HELLO, WELCOME --> ATTACH, ATTACHED --> CONFIGURE, CONFIGURED --> agreed
///        ^                                                                                 |
///        +---------------- drop: silence, an ERROR, BYE, a broken connection --------------+
///
/// Nothing here waits. Every `nowUs` is on one steady clock. All of it: link thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "link/sockets.h"
#include "protocol/messages.h"
#include "protocol/session.h"

namespace stembridge::link {

/// To the newest question for a plan.
using Answer = std::variant<protocol::Configured, protocol::Error>;

/// How long messages take there and back, measured by PING and PONG.
struct RoundTrips {
    std::int64_t wanted = 0;  ///< how many
    std::int64_t gapUs = 0;   ///< between two of them
    std::int64_t sent = 0;
    std::int64_t came = 0;
    std::int64_t longestUs = 0;
    std::int64_t nextUs = 0;  ///< when the next one is to be sent

    bool isDone() const { return came >= wanted; }
};

class Channel {
public:
    /// Told each message that is not about the connection itself; views in it hold for the call.
    using Handler = std::function<void(const protocol::Message&)>;

    /// name: of the client, for the server's reports.
    explicit Channel(std::string name) : name_(std::move(name)) {}

    /// Begins the handshake over new sockets. `trips` are measured where a plan is to allow for them.
    void open(std::unique_ptr<Sockets> sockets, RoundTrips trips, std::int64_t nowUs);
    /// Asks for a plan, its session and request apart: after each new connection, and now or as soon
    /// as there is one. Without a plan in it, and without a transport allowance, that is measured.
    void ask(protocol::Configure wish);
    /// Asks for nothing more.
    void askNothing() { wish_.reset(); }

    /// Does all that is due; `handler` is told what came.
    void tend(std::int64_t nowUs, const Handler& handler);
    /// Sends over the audio socket, or drops the connection if that cannot be done at once. Samples
    /// are kept by `owner`.
    void send(const protocol::Message& message, std::int64_t nowUs,
              std::shared_ptr<const void> owner = nullptr);

    /// Says goodbye if that can be done at once, and closes the sockets because of `problem`; to be
    /// opened again at reopenUs().
    void drop(std::string problem, std::int64_t nowUs);
    /// Says goodbye if that can be done at once, and closes.
    void leave(std::int64_t nowUs);
    /// Stems came: the connection is of use, and the next pause a short one.
    void prove() { failures_ = 0; }

    bool isOpen() const { return sockets_ != nullptr; }
    bool isAttached() const { return attached_; }
    /// To what was asked last; nothing until there is one in this session.
    const std::optional<Answer>& answer() const { return answer_; }
    std::uint64_t token() const { return session_.token(); }
    /// A number that no epoch had.
    std::int64_t nextEpoch() const { return session_.epoch() + 1; }
    /// Per mille of the time for which the session's device was busy of late; -1 for unknown.
    std::int64_t load() const { return load_; }
    /// Frames in one AUDIO, at most.
    std::int64_t mostFrames() const { return mostFrames_; }
    /// Names of the server's presets.
    const std::vector<std::string>& presets() const { return presets_; }
    std::int64_t reopenUs() const { return reopenUs_; }
    /// Why it was closed last, "" at first.
    const std::string& problem() const { return problem_; }
    /// How many attempts in a row came to nothing.
    std::int64_t failures() const { return failures_; }
    /// Only while open.
    Sockets& sockets() { return *sockets_; }

    /// Told to the server, for its status.
    std::int64_t lateFrames = 0;

private:
    void sendOver(protocol::Socket socket, const protocol::Message& message, std::int64_t nowUs,
                  std::shared_ptr<const void> owner);
    void receive(protocol::Socket socket, std::int64_t nowUs, const Handler& handler);
    bool handle(protocol::Socket socket, const protocol::Message& message, std::int64_t nowUs);
    void shakeHands(std::int64_t nowUs);
    bool needsTrips() const;
    void measure(std::int64_t nowUs);
    void keepAlive(std::int64_t nowUs);
    void sayGoodbye(std::int64_t nowUs);
    void close(int lingerMs);

    std::string name_;
    protocol::ClientSession session_;
    std::unique_ptr<Sockets> sockets_;
    std::optional<protocol::Configure> wish_;
    std::optional<Answer> answer_;
    RoundTrips trips_;
    bool greeted_ = false;
    bool attaching_ = false;
    bool attached_ = false;
    bool asked_ = false;
    std::int64_t openedUs_ = 0;
    std::int64_t reopenUs_ = 0;
    std::int64_t failures_ = 0;
    std::int64_t mostFrames_ = 0;
    std::vector<std::string> presets_;
    std::int64_t load_ = -1;
    std::string problem_;
};

/// What an ERROR says: what is wrong and what to do, in one line.
std::string said(const protocol::Error& error);

}  // namespace stembridge::link
