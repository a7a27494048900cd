/// The connection file, whatever stands in it.
#include <doctest/doctest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <random>

#include "folder.h"
#include "link/connection.h"
#include "link/keys.h"
#include "link/plugin_file.h"

using namespace stembridge::link;
using Json = nlohmann::json;

namespace {

Json good() {
    return {{"control", "ipc:///run/user/1000/stembridge/control.ipc"},
            {"audio", "ipc:///run/user/1000/stembridge/audio.ipc"},
            {"server_key", ""},
            {"pid", getpid()},
            {"started", 1790000000},
            {"protocol", {1, 0}},
            {"version", "0.3.0"}};
}

bool isRefused(const Json& found) {
    const auto outcome = parseConnection(found.dump(), "connection.json");
    return !outcome && !outcome.problem().text.empty() && !outcome.problem().absent;
}

Json with(const char* name, Json value) {
    Json changed = good();
    changed[name] = std::move(value);
    return changed;
}

}  // namespace

TEST_CASE("what a server writes is read") {
    Json found = with("pid", 4711);
    found["something"] = "of a later version";
    const auto connection = parseConnection(found.dump(), "connection.json");
    REQUIRE(connection);
    CHECK(connection->control == "ipc:///run/user/1000/stembridge/control.ipc");
    CHECK(connection->audio == "ipc:///run/user/1000/stembridge/audio.ipc");
    CHECK(connection->pid == 4711);
    CHECK(connection->started == 1790000000);
    CHECK(connection->protocol == std::array<std::int64_t, 2>{1, 0});
    CHECK(connection->version == "0.3.0");
}

TEST_CASE("what no server writes is refused in words") {
    for (const char* name : {"control", "audio"}) {
        for (const Json& value :
             {Json(1), Json(""), Json("inproc://x"), Json("ipc://\n"), Json("pgm://x"), Json(nullptr),
              Json("ipc://" + std::string(300, 'x')), Json("tcp://10.0.0.1:1")}) {
            CHECK(isRefused(with(name, value)));
        }
    }
    for (const char* name : {"pid", "started"}) {
        for (const Json& value : {Json(-1), Json(1.5), Json("1"), Json(true), Json(1ULL << 53)}) {
            CHECK(isRefused(with(name, value)));
        }
    }
    for (const Json& value : {Json("x"), Json(std::string(64, 'A')), Json(std::string(63, 'a'))}) {
        CHECK(isRefused(with("server_key", value)));
    }
    for (const Json& value : {Json({1}), Json({1, 0, 0}), Json({1, "0"}), Json(1)}) {
        CHECK(isRefused(with("protocol", value)));
    }
    for (const char* name : {"control", "audio", "server_key", "pid", "protocol", "version"}) {
        Json less = good();
        less.erase(name);
        CHECK(isRefused(less));
    }
    for (const char* text : {"", "{", "[]", "null", "1e999", "\xff", "{\"control\": \"\xff\"}"}) {
        CHECK_FALSE(parseConnection(text, "f"));
        CHECK_FALSE(parsePluginFile(text, "f"));
    }
    const std::string deep = std::string(2000, '[') + std::string(2000, ']');
    CHECK_FALSE(parseConnection(deep, "f"));
}

TEST_CASE("damaged files crash nobody") {
    std::mt19937 random(3);
    const std::string text = good().dump();
    for (int i = 0; i < 20000; ++i) {
        std::string damaged = text;
        for (int j = 0; j < 3; ++j) {
            damaged[random() % damaged.size()] = static_cast<char>(random());
        }
        damaged.resize(random() % (damaged.size() + 1));
        parseConnection(damaged, "f");
        parsePluginFile(damaged, "f");
    }
}

TEST_CASE("another machine needs a key, and this one none") {
    const std::string key(64, 'a');
    for (const char* there : {"tcp://192.168.1.5:5555", "tcp://localhost:1", "tcp://[::2]:1",
                              "tcp://127.1:5", "tcp://1270.0.0.1:5", "tcp://127.0.0.1.example:5"}) {
        CHECK_FALSE(isLocal(there));
        Json found = with("control", there);
        CHECK(isRefused(found));
        found["server_key"] = key;
        CHECK(parseConnection(found.dump(), "f"));
    }
    for (const char* here : {"tcp://127.0.0.1:5555", "tcp://127.9.8.7:1", "tcp://[::1]:5555"}) {
        CHECK(isLocal(here));
        CHECK(parseConnection(with("control", here).dump(), "f"));
    }
}

TEST_CASE("a server is there while its process is") {
    const Folder folder;
    auto found = readConnection(folder.path());
    REQUIRE_FALSE(found);
    CHECK(found.problem().absent);
    folder.write("connection.json", good().dump());
    CHECK(readConnection(folder.path()));
    folder.write("connection.json", with("pid", 4194303).dump());
    found = readConnection(folder.path());
    REQUIRE_FALSE(found);
    CHECK(found.problem().absent);
    for (const auto& [content, mode] :
         {std::pair(good().dump(), 0622U), std::pair(std::string(5000, ' '), 0600U),
          std::pair(std::string("{}"), 0600U)}) {
        folder.write("connection.json", content, mode);
        found = readConnection(folder.path());
        REQUIRE_FALSE(found);
        CHECK_FALSE(found.problem().absent);  // it is not ours to start another one beside it
    }
}

TEST_CASE("what the user allows is read") {
    const Folder folder;
    auto found = readPluginFile(folder.path());
    REQUIRE(found);
    CHECK(found->command.empty());
    folder.write("plugin.json", R"({"command": ["/usr/bin/python3", "-m", "x y"], "more": 1})");
    found = readPluginFile(folder.path());
    REQUIRE(found);
    CHECK(found->command == std::vector<std::string>{"/usr/bin/python3", "-m", "x y"});
    folder.write("plugin.json", R"({"connection": "/home/me/connection.json"})");
    found = readPluginFile(folder.path());
    REQUIRE(found);
    CHECK(found->connection == "/home/me/connection.json");
    for (const char* text : {R"({"command": []})", R"({"command": ["python3"]})",
                             R"({"command": ["/bin/sh", 1]})", R"({"command": "/bin/sh"})",
                             "{\"command\": [\"/bin/sh\\u0000\"]}", R"({"connection": "here"})"}) {
        folder.write("plugin.json", text);
        CHECK_FALSE(readPluginFile(folder.path()));
    }
    folder.write("plugin.json", "{}", 0644);
    CHECK_FALSE(readPluginFile(folder.path()));
}

TEST_CASE("keys are those of the Python client") {
    const Folder folder;
    CHECK_FALSE(readClientKeys(folder.path()));
    // The pair of ZeroMQ's documentation of CURVE, in hexadecimal.
    folder.write("keys/client.secret",
                 "7bb864b489afa3671fbe69101f94b38972f24816dfb01b51656b3fec8dfd0888\n");
    const auto pair = readClientKeys(folder.path());
    REQUIRE(pair);
    const auto expected =
        parseKey("bb88471d65e2659b30c55a5321cebb5aab2b70a398645c26dca2b2fcb43fc518");
    REQUIRE(expected);
    CHECK(pair->publicKey == *expected);
    folder.write("keys/client.secret", "x\n");
    CHECK_FALSE(readClientKeys(folder.path()));
    folder.write("keys/client.secret", std::string(64, 'a'), 0640);
    CHECK_FALSE(readClientKeys(folder.path()));
}
