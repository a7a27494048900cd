/// A server that grants plans, and of which a test decides what it says after that.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "folder.h"
#include "protocol/messages.h"

/// Runs in a thread of its own, and stands in `folder` as a sidecar's runtime folder does in its
/// config. Its credit is for all input that comes; it never gives stems.
class Grantor {
public:
    using Configure = stembridge::protocol::Configure;
    using Configured = stembridge::protocol::Configured;
    /// Fills in what is granted: plan and latency; without a latency it is refused.
    using Plan = std::function<void(const Configure&, Configured&)>;

    Grantor(const Folder& folder, Plan plan);
    ~Grantor();
    Grantor(const Grantor&) = delete;
    Grantor& operator=(const Grantor&) = delete;

    /// How many messages of input were acknowledged, and plans granted.
    std::atomic<int> credits{0}, grants{0};
    /// Where the input ends that has come.
    std::atomic<std::int64_t> received{0};
    /// Code of what is refused.
    std::atomic<const char*> code{"model"};

private:
    void run();
    void answer(zmq::socket_t& socket);
    void say(zmq::socket_t& socket, zmq::message_t& to, const stembridge::protocol::Message& what);

    Plan plan_;
    zmq::context_t context_;
    std::vector<zmq::socket_t> sockets_;
    std::atomic<bool> stops_{false};
    std::thread thread_;
};
