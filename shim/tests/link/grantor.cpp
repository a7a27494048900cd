#include "grantor.h"

#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "protocol/codec.h"

using namespace stembridge;

namespace {

constexpr std::uint64_t kSession = 7;
constexpr std::int64_t kHeartbeatUs = 1'000'000, kMostFrames = 16'384;

}  // namespace

Grantor::Grantor(const Folder& folder, Plan plan) : plan_(std::move(plan)) {
    nlohmann::json found{{"server_key", ""},
                         {"pid", getpid()},
                         {"started", 1},
                         {"version", "1"},
                         {"protocol", {1, 0}}};
    for (const std::string name : {"control", "audio"}) {
        const std::string endpoint = "ipc://" + (folder.path() / name).string();
        sockets_.emplace_back(context_, zmq::socket_type::router);
        sockets_.back().set(zmq::sockopt::linger, 0);
        sockets_.back().bind(endpoint);
        found[name] = endpoint;
    }
    folder.write("r/connection.json", found.dump());
    thread_ = std::thread([this] { run(); });
}

Grantor::~Grantor() {
    stops_ = true;
    thread_.join();
}

void Grantor::run() {
    while (!stops_) {
        for (zmq::socket_t& socket : sockets_) {
            answer(socket);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    sockets_.clear();
}

void Grantor::answer(zmq::socket_t& socket) {
    zmq::message_t from;
    if (!socket.recv(from, zmq::recv_flags::dontwait)) {
        return;
    }
    std::vector<zmq::message_t> parts;
    do {
        parts.emplace_back();
        static_cast<void>(socket.recv(parts.back()));
    } while (parts.back().more());
    std::vector<protocol::Frame> frames;
    for (const zmq::message_t& part : parts) {
        frames.emplace_back(part.data<std::byte>(), part.size());
    }
    const protocol::Decoded decoded = protocol::decode(frames);
    const auto* said = std::get_if<protocol::Message>(&decoded);
    if (said == nullptr) {
        return;
    }
    if (std::holds_alternative<protocol::Hello>(*said)) {
        say(socket, from,
            protocol::Welcome{protocol::kVersion, "it", kSession, kHeartbeatUs, kMostFrames, {}});
    } else if (std::holds_alternative<protocol::Attach>(*said)) {
        say(socket, from, protocol::Attached{kSession});
    } else if (const auto* ping = std::get_if<protocol::Ping>(said)) {
        say(socket, from, protocol::Pong{ping->stamp});
    } else if (const auto* wish = std::get_if<protocol::Configure>(said)) {
        Configured granted;
        granted.session = kSession;
        granted.request = wish->request;
        granted.sources = {"vocals", "other"};
        granted.credit = wish->rate;
        granted.model = wish->model;
        granted.licence = "MIT";
        plan_(*wish, granted);
        if (granted.latency == 0) {
            say(socket, from, protocol::Error{code.load(), "nobody has it", "", kSession, wish->request});
            return;
        }
        say(socket, from, granted);
        ++grants;
    } else if (const auto* audio = std::get_if<protocol::Audio>(said)) {
        received = audio->start + audio->audio.frames;
        say(socket, from, protocol::Credit{kSession, audio->epoch, received});
        ++credits;
    }
}

void Grantor::say(zmq::socket_t& socket, zmq::message_t& to, const protocol::Message& what) {
    const protocol::Encoded frames = protocol::encode(what);
    zmq::message_t address;
    address.copy(to);
    socket.send(address, zmq::send_flags::sndmore);
    socket.send(zmq::buffer(frames.header.data(), frames.header.size()), zmq::send_flags::none);
}
