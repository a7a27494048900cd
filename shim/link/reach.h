/// How the clients of a process get at a server: what they share on the link thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <zmq.hpp>

#include "link/channel.h"
#include "link/folders.h"
#include "link/outcome.h"
#include "link/sockets.h"
#include "link/starter.h"

namespace stembridge::link {

/// Sockets that are connecting, and how many round trips to measure over them.
struct Reached {
    std::unique_ptr<Sockets> sockets;
    RoundTrips trips;
};

/// Nothing here waits, and nothing exists before somebody wants it. Link thread.
class Reach {
public:
    explicit Reach(const Folders& folders) : folders_(folders), starter_(folders) {}

    /// Sockets to the server there is. Where there is none, one is started if the user allowed it,
    /// and the problem says how far that is.
    Outcome<Reached> open(std::int64_t nowUs);
    void tend(std::int64_t nowUs) { starter_.tend(nowUs); }
    bool isStarting() const { return starter_.isStarting(); }

private:
    Folders folders_;
    Starter starter_;
    std::optional<zmq::context_t> context_;
};

}  // namespace stembridge::link
