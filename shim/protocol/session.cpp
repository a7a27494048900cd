#include "protocol/session.h"

#include <variant>

#include "protocol/codec.h"
#include "protocol/words.h"

namespace stembridge::protocol {
namespace {

MessageTypes toServer(Socket socket) {
    return socket == Socket::kControl ? kControlToServer : kAudioToServer;
}

MessageTypes toClient(Socket socket) {
    return socket == Socket::kControl ? kControlToClient : kAudioToClient;
}

/// The session that a message names; 0 for none.
std::uint64_t sessionOf(const Message& message) {
    return std::visit(
        [](const auto& one) -> std::uint64_t {
            if constexpr (requires { one.session; }) {
                return one.session;
            } else {
                return 0;
            }
        },
        message);
}

bool isForeign(const Message& message, std::uint64_t token) {
    const std::uint64_t session = sessionOf(message);
    return session != 0 && session != token && !std::holds_alternative<Welcome>(message);
}

}  // namespace

std::int64_t ClientSession::creditLeft() const {
    const Epoch* epoch = book_.epochs().current();
    if (epoch == nullptr || epoch->stop) return 0;
    return epoch->received + epoch->terms.credit - epoch->inputEnd;
}

bool ClientSession::pingDue(Socket socket, std::int64_t nowUs) const {
    const auto& beat = book_.beat(socket);
    return beat && beat->isDue(nowUs, book_.heartbeatUs());
}

bool ClientSession::isGone(std::int64_t nowUs) const {
    const auto gone = [&](Socket socket) {
        const auto& beat = book_.beat(socket);
        return beat && beat->isGone(nowUs, book_.heartbeatUs());
    };
    return gone(Socket::kControl) || gone(Socket::kAudio);
}

void ClientSession::send(Socket socket, const Message& message, std::int64_t nowUs) {
    check(message);
    try {
        // The server keeps more plans, since a CONFIGURE may overtake a RESET on the other socket.
        const auto* reset = std::get_if<Reset>(&message);
        if (reset != nullptr && reset->request != book_.agreed() &&
            reset->request != book_.epochs().request()) {
            throw Refusal{Code::kOrder, words("request ", reset->request, ", expected ",
                                              book_.agreed(), " or that of the epoch before")};
        }
        if (isForeign(message, book_.token())) {
            throw Refusal{Code::kSession, "it is about another session"};
        }
        if (!book_.enter(message, toServer(socket))) {
            throw Refusal{Code::kOrder, "its epoch is over; RESET opens the next"};
        }
    } catch (const Refusal& refusal) {
        throw LocalProtocolError(words(nameOf(message), ": ", refusal.why));
    }
    if (state() != State::kOffline) book_.noteSent(socket, nowUs);  // a BYE has ended it
}

Receipt ClientSession::receive(Socket socket, const Message& message, std::int64_t nowUs) {
    if (state() == State::kOffline) return {};
    book_.noteHeard(socket, nowUs);
    if (isForeign(message, book_.token())) return {};
    try {
        return {.fresh = book_.enter(message, toClient(socket)), .refusal = {}};
    } catch (const Refusal& refusal) {
        return {.fresh = false,
                .refusal = Refusal{refusal.code, words(nameOf(message), ": ", refusal.why)}};
    }
}

}  // namespace stembridge::protocol
