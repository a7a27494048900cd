/// The client's end of a session, without IO: what may be sent now, and what came in.
///
///     session.send(Socket::kControl, hello, now);         // throws when it may not be sent
///     socket.send(encode(hello));
///     ...
///     auto decoded = decode(frames, kControlToClient);    // a Refusal is the server's mistake
///     auto receipt = session.receive(Socket::kControl, std::get<Message>(decoded), now);
///     if (receipt.fresh) { ... }                          // else ignore it, or see its refusal
///
/// Every `nowUs` is on one steady clock of the caller. The caller sends a PING where `pingDue` says
/// so, and answers one with PONG. All of it: one thread at a time, the link thread.
#pragma once

#include <cstdint>
#include <optional>

#include "protocol/book.h"
#include "protocol/codes.h"
#include "protocol/errors.h"
#include "protocol/messages.h"
#include "protocol/states.h"

namespace stembridge::protocol {

/// What became of a message that came.
struct Receipt {
    bool fresh = false;              ///< to be acted upon; else it is about something over
    std::optional<Refusal> refusal;  ///< the server may not say that now; `fresh` is false then
};

/// It outlives connections: a HELLO over new sockets begins again. Requests and epochs go on
/// counting up, so that what crosses is recognised.
class ClientSession {
public:
    /// Where the session is.
    State state() const { return book_.state(); }
    /// The session's token; 0 when there is none.
    std::uint64_t token() const { return book_.token(); }
    /// Number of the newest CONFIGURE; the next one is greater.
    std::int64_t request() const { return book_.request(); }
    /// The request that was not answered yet; 0 when there is none.
    std::int64_t pending() const { return book_.pending(); }
    /// Number of the newest epoch, open or over; the next one is greater.
    std::int64_t epoch() const { return book_.epochs().newest(); }
    /// Host frames by which AUDIO may go on; 0 while no epoch takes input.
    std::int64_t creditLeft() const;

    /// True when a PING is to be sent over that socket, as nothing else was.
    bool pingDue(Socket socket, std::int64_t nowUs) const;
    /// True when a socket was silent for so long that the server has to be gone.
    bool isGone(std::int64_t nowUs) const;
    /// The connection is gone, and the session with it.
    void disconnect() { book_.end(); }

    /// Enter `message`, to be sent then. Throws LocalProtocolError when it may not be sent, and
    /// changes nothing then.
    void send(Socket socket, const Message& message, std::int64_t nowUs);

    /// Enter `message`. With a refusal it had no effect but that the server was heard.
    Receipt receive(Socket socket, const Message& message, std::int64_t nowUs);

private:
    Book book_;
};

}  // namespace stembridge::protocol
