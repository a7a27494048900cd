/// The two sockets of a client, used without waiting: ZeroMQ ends here.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>
#include <zmq.hpp>

#include "link/connection.h"
#include "link/keys.h"
#include "link/outcome.h"
#include "protocol/codec.h"
#include "protocol/states.h"

namespace stembridge::link {

/// A message as it came. What was decoded from it refers to it.
struct Incoming {
    std::vector<zmq::message_t> frames;

    std::vector<protocol::Frame> views() const;
};

/// Connects in the background. Link thread.
class Sockets {
public:
    /// keys: ours, where the server has one. A server that refuses them never answers.
    static Outcome<std::unique_ptr<Sockets>> open(zmq::context_t& context,
                                                  const Connection& connection,
                                                  const std::optional<KeyPair>& keys);

    /// Whether the server is there and a message can be sent to it now.
    bool isWritable(protocol::Socket which);

    /// Sends one message; false when the server is not there or does not read. The payload is not
    /// copied but kept by `owner` until it has left; it is copied where there is no owner.
    bool send(protocol::Socket which, const protocol::Encoded& message,
              std::shared_ptr<const void> owner);

    /// The next message, nothing when there is none.
    std::optional<Incoming> receive(protocol::Socket which);

    /// Have them closed not before so long, as long as something that was sent has not left.
    void linger(int milliseconds);

    /// For zmq_poll: when something can be received.
    std::array<zmq_pollitem_t, 2> pollItems();

private:
    Sockets(zmq::socket_t control, zmq::socket_t audio);
    zmq::socket_t& at(protocol::Socket which);

    zmq::socket_t control_;
    zmq::socket_t audio_;
};

}  // namespace stembridge::link
