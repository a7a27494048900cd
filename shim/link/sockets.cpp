#include "link/sockets.h"

#include "protocol/limits.h"

namespace stembridge::link {
namespace {

// As bridge/runtime/transport.py has them.
constexpr int kSealedBytes = 64;  // that CURVE adds to a frame, rounded up
constexpr int kHandshakeMs = 3000;
constexpr int kBeatMs = 1000;
constexpr int kSilenceMs = 5000;  // then a TCP connection counts as cut
constexpr int kReconnectMs = 100;
constexpr int kReconnectMaxMs = 1000;
constexpr int kSends = 1024;
constexpr int kReceives = 256;
// Frames of a message that are looked at; one with more than two is none.
constexpr std::size_t kFrames = 3;

zmq::socket_t makeSocket(zmq::context_t& context, const std::string& endpoint) {
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::linger, 0);
    // Nothing is queued for a server that is not there: it would arrive too late to be of use.
    socket.set(zmq::sockopt::immediate, true);
    // Else a peer's word for a size is allocated.
    socket.set(zmq::sockopt::maxmsgsize,
               static_cast<std::int64_t>(protocol::kPayloadBytes) + kSealedBytes);
    socket.set(zmq::sockopt::handshake_ivl, kHandshakeMs);
    socket.set(zmq::sockopt::rcvhwm, kReceives);
    socket.set(zmq::sockopt::sndhwm, kSends);
    socket.set(zmq::sockopt::reconnect_ivl, kReconnectMs);
    socket.set(zmq::sockopt::reconnect_ivl_max, kReconnectMaxMs);
    if (endpoint.starts_with("tcp://")) {
        socket.set(zmq::sockopt::ipv6, endpoint.find('[') != std::string::npos);
        socket.set(zmq::sockopt::heartbeat_ivl, kBeatMs);
        socket.set(zmq::sockopt::heartbeat_timeout, kSilenceMs);
    }
    return socket;
}

void setKey(zmq::socket_t& socket, int option, const Key& key) {
    if (zmq_setsockopt(socket.handle(), option, key.data(), key.size()) != 0) {
        throw zmq::error_t();
    }
}

zmq::message_t payloadOf(protocol::Frame payload, std::shared_ptr<const void> owner) {
    if (owner == nullptr || payload.empty()) {
        return zmq::message_t(payload.data(), payload.size());
    }
    auto* kept = new std::shared_ptr<const void>(std::move(owner));
    // ZeroMQ takes memory that it may write to; it writes to none of a message that is sent.
    return zmq::message_t(
        const_cast<std::byte*>(payload.data()), payload.size(),
        [](void*, void* hint) { delete static_cast<std::shared_ptr<const void>*>(hint); }, kept);
}

}  // namespace

std::vector<protocol::Frame> Incoming::views() const {
    std::vector<protocol::Frame> found;
    for (const zmq::message_t& frame : frames) {
        found.emplace_back(static_cast<const std::byte*>(frame.data()), frame.size());
    }
    return found;
}

Outcome<std::unique_ptr<Sockets>> Sockets::open(zmq::context_t& context,
                                                const Connection& connection,
                                                const std::optional<KeyPair>& keys) {
    try {
        zmq::socket_t control = makeSocket(context, connection.control);
        zmq::socket_t audio = makeSocket(context, connection.audio);
        if (keys) {
            const Outcome<Key> server = parseKey(connection.serverKey);
            if (!server) {
                return server.problem();
            }
            for (zmq::socket_t* socket : {&control, &audio}) {
                setKey(*socket, ZMQ_CURVE_PUBLICKEY, keys->publicKey);
                setKey(*socket, ZMQ_CURVE_SECRETKEY, keys->secretKey);
                setKey(*socket, ZMQ_CURVE_SERVERKEY, *server);
            }
        }
        control.connect(connection.control);
        audio.connect(connection.audio);
        return std::unique_ptr<Sockets>(new Sockets(std::move(control), std::move(audio)));
    } catch (const zmq::error_t& error) {
        return Problem{connection.control + " cannot be connected to (" + error.what() +
                       "); start the server again, or copy its connection file again"};
    }
}

Sockets::Sockets(zmq::socket_t control, zmq::socket_t audio)
    : control_(std::move(control)), audio_(std::move(audio)) {}

bool Sockets::isWritable(protocol::Socket which) {
    return (at(which).get(zmq::sockopt::events) & ZMQ_POLLOUT) != 0;
}

bool Sockets::send(protocol::Socket which, const protocol::Encoded& message,
                   std::shared_ptr<const void> owner) {
    try {
        zmq::socket_t& socket = at(which);
        const auto more = message.payload ? zmq::send_flags::sndmore : zmq::send_flags::none;
        zmq::message_t header(message.header.data(), message.header.size());
        if (!socket.send(header, zmq::send_flags::dontwait | more)) {
            return false;
        }
        if (!message.payload) {
            return true;
        }
        zmq::message_t payload = payloadOf(*message.payload, std::move(owner));
        return socket.send(payload, zmq::send_flags::dontwait).has_value();
    } catch (const zmq::error_t&) {
        return false;
    }
}

std::optional<Incoming> Sockets::receive(protocol::Socket which) {
    zmq::socket_t& socket = at(which);
    Incoming found;
    try {
        // Takes notice of a connection that is gone before a message, and not inside of one: there
        // libzmq would end the process, and the host with it (its issue 3663).
        static_cast<void>(socket.get(zmq::sockopt::events));
        bool more = true;
        while (more) {
            zmq::message_t frame;
            if (!socket.recv(frame, zmq::recv_flags::dontwait)) {
                return std::nullopt;
            }
            more = frame.more();
            if (found.frames.size() < kFrames) {
                found.frames.push_back(std::move(frame));
            }
        }
    } catch (const zmq::error_t&) {
        return std::nullopt;
    }
    return found;
}

void Sockets::linger(int milliseconds) {
    control_.set(zmq::sockopt::linger, milliseconds);
    audio_.set(zmq::sockopt::linger, milliseconds);
}

std::array<zmq_pollitem_t, 2> Sockets::pollItems() {
    return {zmq_pollitem_t{control_.handle(), 0, ZMQ_POLLIN, 0},
            zmq_pollitem_t{audio_.handle(), 0, ZMQ_POLLIN, 0}};
}

zmq::socket_t& Sockets::at(protocol::Socket which) {
    return which == protocol::Socket::kControl ? control_ : audio_;
}

}  // namespace stembridge::link
