/// Sockets and keys, against a socket of ZeroMQ's own.
#include <doctest/doctest.h>
#include <zmq.h>

#include <array>
#include <chrono>
#include <cstring>
#include <thread>
#include <zmq.hpp>

#include "folder.h"
#include "link/sockets.h"

using namespace stembridge;
using namespace stembridge::link;
using protocol::Socket;

namespace {

std::string hexOf(const std::array<char, 41>& z85) {
    std::array<std::uint8_t, 32> bytes{};
    zmq_z85_decode(bytes.data(), z85.data());
    std::string digits;
    for (const std::uint8_t byte : bytes) {
        digits += "0123456789abcdef"[byte >> 4];
        digits += "0123456789abcdef"[byte & 15];
    }
    return digits;
}

bool becomesWritable(Sockets& sockets) {
    for (int i = 0; i < 200; ++i) {
        if (sockets.isWritable(Socket::kAudio)) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
}

// A server on loopback that asks for CURVE.
struct Server {
    Server() : socket(context, zmq::socket_type::router) {
        REQUIRE(zmq_curve_keypair(publicKey.data(), secretKey.data()) == 0);
        socket.set(zmq::sockopt::curve_server, true);
        socket.set(zmq::sockopt::curve_secretkey, std::string(secretKey.data()));
        socket.set(zmq::sockopt::linger, 0);
        socket.bind("tcp://127.0.0.1:*");
        connection.audio = connection.control = socket.get(zmq::sockopt::last_endpoint);
        connection.serverKey = hexOf(publicKey);
    }

    std::array<char, 41> publicKey{};
    std::array<char, 41> secretKey{};
    zmq::context_t context;
    zmq::socket_t socket;
    Connection connection;
};

}  // namespace

TEST_CASE("with the right keys a message arrives as it was, its samples kept until then") {
    const Folder folder;
    Server server;
    std::array<char, 41> publicKey{};
    std::array<char, 41> secretKey{};
    zmq_curve_keypair(publicKey.data(), secretKey.data());
    folder.write("keys/client.secret", hexOf(secretKey) + "\n");
    const auto keys = readClientKeys(folder.path());
    REQUIRE(keys);
    zmq::context_t context;
    auto sockets = Sockets::open(context, server.connection, *keys);
    REQUIRE(sockets);
    REQUIRE(becomesWritable(**sockets));

    auto samples = std::make_shared<const std::vector<float>>(std::vector<float>{0.5F, -1.0F});
    const std::weak_ptr<const std::vector<float>> watched = samples;
    const protocol::InputBlock block{1, 2, protocol::Samples(std::span<const float>(*samples))};
    const protocol::Encoded message = protocol::encode(protocol::Audio{7, 1, 100, 100, block});
    CHECK((*sockets)->send(Socket::kAudio, message, std::move(samples)));
    std::vector<std::string> came;
    do {
        zmq::message_t frame;
        REQUIRE(server.socket.recv(frame));
        came.push_back(frame.to_string());
    } while (server.socket.get(zmq::sockopt::rcvmore));
    REQUIRE(came.size() == 3);  // the sender before it
    CHECK(came[1].size() == message.header.size());
    const std::array<float, 2> expected{0.5F, -1.0F};
    REQUIRE(came[2].size() == sizeof expected);
    CHECK(std::memcmp(came[2].data(), expected.data(), sizeof expected) == 0);
    for (int i = 0; i < 1000 && !watched.expired(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    CHECK(watched.expired());
    CHECK_FALSE((*sockets)->receive(Socket::kAudio));
}

TEST_CASE("without keys nothing can be said") {
    Server server;
    zmq::context_t context;
    auto plain = Sockets::open(context, server.connection, std::nullopt);
    REQUIRE(plain);
    CHECK_FALSE(becomesWritable(**plain));
    CHECK_FALSE((*plain)->send(Socket::kControl, protocol::encode(protocol::Pong{1}), nullptr));
}

TEST_CASE("what is no endpoint is a problem in words") {
    zmq::context_t context;
    Connection connection;
    connection.control = connection.audio = "tcp://nowhere";
    connection.serverKey = "";
    const auto sockets = Sockets::open(context, connection, std::nullopt);
    REQUIRE_FALSE(sockets);
    CHECK(sockets.problem().text.find("tcp://nowhere") != std::string::npos);
}

TEST_CASE("a server that goes while many messages wait takes them along, and not this process") {
    const Folder folder;
    zmq::context_t theirs, ours;
    zmq::socket_t server(theirs, zmq::socket_type::router);
    server.set(zmq::sockopt::linger, 0);
    Connection connection;
    connection.control = "ipc://" + (folder.path() / "control").string();
    connection.audio = "ipc://" + (folder.path() / "audio").string();
    server.bind(connection.audio);
    auto sockets = Sockets::open(ours, connection, std::nullopt);
    REQUIRE(sockets);
    REQUIRE(becomesWritable(**sockets));
    REQUIRE((*sockets)->send(Socket::kAudio, protocol::encode(protocol::Ping{1}), nullptr));
    zmq::message_t sender, said;
    REQUIRE(server.recv(sender));
    REQUIRE(server.recv(said));

    // libzmq looks for what became of connections at each 100th frame.
    for (int i = 0; i < 120; ++i) {
        zmq::message_t to;
        to.copy(sender);
        server.send(to, zmq::send_flags::sndmore);
        server.send(zmq::str_buffer("header"), zmq::send_flags::sndmore);
        server.send(zmq::str_buffer("payload"), zmq::send_flags::none);
    }
    auto items = (*sockets)->pollItems();
    REQUIRE(zmq_poll(&items[1], 1, 5000) == 1);
    server.close();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));  // until they know here
    while (const auto message = (*sockets)->receive(Socket::kAudio)) {
        CHECK(message->frames.size() == 2);
    }
}
