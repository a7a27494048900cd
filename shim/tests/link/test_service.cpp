/// Clients and their thread, without a real server; with one it is tests/shim/test_link.py.
#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "folder.h"
#include "link/client.h"
#include "link/patience.h"
#include "protocol/codec.h"

using namespace stembridge;
using namespace stembridge::link;

namespace {

constexpr const char* kThreads = "/proc/self/task";
constexpr const char* kFiles = "/proc/self/fd";

protocol::Configure wishFor(const std::string& model) {
    protocol::Configure wish;
    wish.rate = 48'000;
    wish.block = 64;
    wish.channels = 2;
    wish.model = model;
    return wish;
}

std::shared_ptr<Track> makeTrack() {
    Track::Config config;
    config.block = 64;
    return std::make_shared<Track>(config);
}

void playBlock(Track& track, Waiter* waiter = nullptr) {
    std::array<float, 64> silence{};
    const std::array<const float*, 2> rows{silence.data(), silence.data()};
    track.process(rows.data(), Outputs{}, 64, Controls{}, waiter);
}

bool eventually(const std::function<bool()>& isTrue) {
    for (int i = 0; i < 2000; ++i) {
        if (isTrue()) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
}

// Answers every message by something, in a process that is said to be a server.
class Babbler {
public:
    using Answer = std::function<std::vector<std::string>(std::size_t)>;

    Babbler(const Folder& folder, Answer answer) : answer_(std::move(answer)) {
        nlohmann::json found{{"server_key", ""}, {"pid", getpid()},    {"started", 1},
                             {"version", "1"},   {"protocol", {1, 0}}};
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
    ~Babbler() {
        stops_ = true;
        thread_.join();
    }

    std::atomic<std::size_t> heard{0};

private:
    void run() {
        while (!stops_) {
            for (zmq::socket_t& socket : sockets_) {
                answer(socket);
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        sockets_.clear();
    }

    void answer(zmq::socket_t& socket) {
        std::vector<zmq::message_t> frames;
        zmq::message_t frame;
        while (socket.recv(frame, zmq::recv_flags::dontwait)) {
            frames.push_back(std::move(frame));
            if (!frames.back().more()) {
                break;
            }
        }
        const auto said = frames.empty() ? std::vector<std::string>() : answer_(heard++);
        if (said.empty()) {
            return;
        }
        socket.send(frames[0], zmq::send_flags::sndmore);
        for (std::size_t i = 0; i < said.size(); ++i) {
            const bool last = i + 1 == said.size();
            socket.send(zmq::buffer(said[i]),
                        last ? zmq::send_flags::none : zmq::send_flags::sndmore);
        }
    }

    Answer answer_;
    zmq::context_t context_;
    std::vector<zmq::socket_t> sockets_;
    std::atomic<bool> stops_{false};
    std::thread thread_;
};

Folders foldersIn(const Folder& folder) { return {folder.path() / "c", folder.path() / "r"}; }

std::string encoded(const protocol::Message& message) {
    const protocol::Encoded frames = protocol::encode(message);
    return {reinterpret_cast<const char*>(frames.header.data()), frames.header.size()};
}

}  // namespace

TEST_CASE("a scan leaves no trace") {
    const Folder folder;
    std::thread([] {}).join();  // a sanitizer brings a thread of its own with the first one
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // /proc is slow to forget it
    const std::size_t threads = countOf(kThreads);
    const std::size_t files = countOf(kFiles);
    {
        auto service = std::make_shared<Service>(foldersIn(folder));
        Client client("host", service);
        CHECK(countOf(kThreads) == threads);
        CHECK_FALSE(client.play(makeTrack(), wishFor("fake")));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        CHECK(countOf(kThreads) == threads + 1);  // it looks at the track, and nowhere else
        CHECK(countOf(kFiles) == files);
        CHECK(client.status().stage == Stage::kAsleep);
    }
    CHECK(eventually([&] { return countOf(kThreads) == threads; }));
    CHECK(countOf(folder.path()) == 0);
}

TEST_CASE("what cannot be asked for is refused at once") {
    const Folder folder;
    Client client("host\n", std::make_shared<Service>(foldersIn(folder)));
    auto wish = wishFor("fake");
    wish.rate = 1;
    const auto problem = client.play(makeTrack(), wish);
    REQUIRE(problem);
    CHECK(problem->text.find("rate") != std::string::npos);
    CHECK(client.ask(wish));
    wish = wishFor("a\nb");
    CHECK(client.ask(wish));
}

TEST_CASE("the first block wakes the link, and so does an editor") {
    for (const bool byBlock : {true, false}) {
        const Folder folder;
        Client client("host", std::make_shared<Service>(foldersIn(folder)));
        const auto track = makeTrack();
        client.play(track, wishFor("fake"));
        byBlock ? playBlock(*track) : client.wake();
        CHECK(eventually([&] { return client.status().stage == Stage::kUnreachable; }));
        CHECK(client.status().text.find("stembridge serve") != std::string::npos);
        CHECK_FALSE(client.isHopeful());
    }
}

TEST_CASE("clients share a thread and leave in any order") {
    const Folder folder;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // /proc is slow to forget others
    const std::size_t threads = countOf(kThreads);
    const std::size_t files = countOf(kFiles);
    std::mt19937 random(1);
    for (int round = 0; round < 3; ++round) {
        auto service = std::make_shared<Service>(foldersIn(folder));
        std::vector<std::unique_ptr<Client>> clients;
        for (int i = 0; i < 16; ++i) {
            clients.push_back(std::make_unique<Client>("host", service));
            const auto track = makeTrack();
            clients.back()->play(track, wishFor("fake"));
            playBlock(*track);
        }
        service.reset();
        CHECK(eventually([&] { return countOf(kThreads) == threads + 1; }));
        while (!clients.empty()) {
            clients.erase(clients.begin() + static_cast<long>(random() % clients.size()));
        }
        CHECK(eventually([&] { return countOf(kThreads) == threads; }));
        CHECK(countOf(kFiles) == files);
    }
}

TEST_CASE("a process has one service, as long as somebody uses it") {
    auto first = Service::shared();
    CHECK(Service::shared() == first);
    std::weak_ptr<Service> watched = first;
    first.reset();
    CHECK(watched.expired());
}

TEST_CASE("a render without a sidecar waits its budget once") {
    const Folder folder;
    Client client("host", std::make_shared<Service>(foldersIn(folder)));
    const auto track = makeTrack();
    client.play(track, wishFor("fake"));
    Patience patience(client, 100'000);
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 2000; ++i) {
        playBlock(*track, &patience);
    }
    const auto took = std::chrono::steady_clock::now() - began;
    CHECK(took >= std::chrono::milliseconds(100));
    CHECK(patience.isOver());
    CHECK(track->replacedFrames() == 2000 * 64);
}

TEST_CASE("a server that talks nonsense is left, in words, and tried again") {
    std::mt19937 random(5);
    const std::string welcome = encoded(protocol::Welcome{protocol::kVersion, "it", 7, 1'000'000, 16384, {}});
    const std::vector<Babbler::Answer> answers{
        [&](std::size_t) { return std::vector<std::string>{"nonsense"}; },
        [&](std::size_t) { return std::vector<std::string>{"", "", "", "", ""}; },
        [&](std::size_t) {
            std::string junk(random() % 300, '\0');
            for (char& letter : junk) letter = static_cast<char>(random());
            return std::vector<std::string>{junk, junk};
        },
        [&](std::size_t number) {
            std::string damaged = welcome;
            damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
            return std::vector<std::string>{number % 2 ? damaged : welcome};
        }};
    for (const auto& answer : answers) {
        const Folder folder;
        Client client("host", std::make_shared<Service>(foldersIn(folder)));
        Babbler server(folder, answer);
        const auto track = makeTrack();
        client.play(track, wishFor("fake"));
        playBlock(*track);
        CHECK(eventually([&] { return server.heard >= 6; }));
        CHECK(eventually([&] {
            return client.status().text.find("broke the protocol") != std::string::npos;
        }));
        playBlock(*track);
    }
}

TEST_CASE("a server's refusal is the user's to read") {
    const Folder folder;
    Client client("host", std::make_shared<Service>(foldersIn(folder)));
    Babbler server(folder, [](std::size_t) {
        return std::vector<std::string>{
            encoded(protocol::Error{"version", "only version 7 here", "update the plug-in", 0, 0})};
    });
    client.wake();
    CHECK(eventually([&] {
        return client.status().text.find("only version 7 here; update the plug-in") !=
               std::string::npos;
    }));
}

TEST_CASE("a server that says nothing is given up after three seconds") {
    const Folder folder;
    Client client("host", std::make_shared<Service>(foldersIn(folder)));
    Babbler server(folder, [](std::size_t) { return std::vector<std::string>(); });
    client.wake();
    CHECK(eventually([&] {
        return client.status().text.find("does not answer") != std::string::npos;
    }));
    CHECK(eventually([&] { return server.heard >= 2; }));  // and greeted again
}
