#include "link/connection.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

#include "link/private_files.h"
#include "link/process.h"

namespace stembridge::link {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kFileBytes = 4096;  // two paths of sockets and a few numbers have some 500
constexpr std::size_t kEndpointBytes = 256;
constexpr std::size_t kVersionBytes = 64;
constexpr std::int64_t kCount = std::int64_t{1} << 53;  // what JSON readers keep exact

bool isPlain(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char letter) {
        const auto byte = static_cast<unsigned char>(letter);
        return byte < 0x20 || byte == 0x7F;
    });
}

// Fills `to` from the text `name`; false where it is none of at most `limit` bytes.
bool readText(const Json& found, const char* name, std::size_t limit, std::string& to) {
    const auto entry = found.find(name);
    if (entry == found.end() || !entry->is_string()) {
        return false;
    }
    to = entry->get<std::string>();
    return to.size() <= limit && isPlain(to);
}

bool readCount(const Json& value, std::int64_t& to) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() >= kCount) {
        return false;
    }
    to = value.get<std::int64_t>();
    return true;
}

bool readCount(const Json& found, const char* name, std::int64_t& to) {
    const auto entry = found.find(name);
    return entry != found.end() && readCount(*entry, to);
}

bool readVersion(const Json& found, std::array<std::int64_t, 2>& to) {
    const auto entry = found.find("protocol");
    return entry != found.end() && entry->is_array() && entry->size() == 2 &&
           readCount((*entry)[0], to[0]) && readCount((*entry)[1], to[1]);
}

bool isEndpoint(const std::string& text) {
    return text.starts_with("ipc://") || text.starts_with("tcp://");
}

bool isKey(const std::string& text) {
    return text.empty() || (text.size() == 64 && text.find_first_not_of("0123456789abcdef") ==
                                                     std::string::npos);
}

// The name of the first field that no server writes so, "" where all is well.
std::string firstFault(const Json& found, Connection& to) {
    if (!readText(found, "control", kEndpointBytes, to.control) || !isEndpoint(to.control)) {
        return "control";
    }
    if (!readText(found, "audio", kEndpointBytes, to.audio) || !isEndpoint(to.audio)) {
        return "audio";
    }
    if (!readText(found, "server_key", 64, to.serverKey) || !isKey(to.serverKey)) {
        return "server_key";
    }
    if (!readCount(found, "pid", to.pid)) {
        return "pid";
    }
    if (!readCount(found, "started", to.started)) {
        return "started";
    }
    if (!readVersion(found, to.protocol)) {
        return "protocol";
    }
    return readText(found, "version", kVersionBytes, to.version) ? "" : "version";
}

Outcome<Connection> readFile(const std::filesystem::path& file) {
    const Outcome<std::string> content = readPrivate(file, kFileBytes, false);
    return content ? parseConnection(*content, file) : content.problem();
}

}  // namespace

Outcome<Connection> parseConnection(const std::string& content, const std::filesystem::path& file) {
    const Json found = Json::parse(content, nullptr, false);
    Connection connection;
    const std::string fault =
        found.is_object() ? firstFault(found, connection) : std::string("the whole");
    if (!fault.empty()) {
        return Problem{file.string() + " is damaged: " + fault +
                       " is not what a server writes; start the server again"};
    }
    for (const std::string& endpoint : {connection.control, connection.audio}) {
        if (connection.serverKey.empty() && !isLocal(endpoint)) {
            return Problem{file.string() + " names another machine without its server_key; copy the "
                           "connection file of a server that was started with that --bind"};
        }
    }
    return connection;
}

Outcome<Connection> readConnection(const std::filesystem::path& runtimeFolder) {
    Outcome<Connection> found = readFile(runtimeFolder / "connection.json");
    if (!found && found.problem().absent) {
        return Problem{"no sidecar is running; start one by `stembridge serve`", true};
    }
    if (found && !isRunning(found->pid)) {
        return Problem{"no sidecar is running any more; start one by `stembridge serve`", true};
    }
    return found;
}

Outcome<Connection> readCopiedConnection(const std::filesystem::path& file) {
    Outcome<Connection> found = readFile(file);
    if (!found && found.problem().absent) {
        return Problem{"there is no " + file.string() + "; copy the server's connection file there"};
    }
    return found;
}

bool isLocal(const std::string& endpoint) {
    if (endpoint.starts_with("ipc://")) {
        return true;
    }
    if (!endpoint.starts_with("tcp://")) {
        return false;
    }
    const std::string_view place = std::string_view(endpoint).substr(6);
    if (place.starts_with("[::1]:")) {
        return true;
    }
    // 127.A.B.C:PORT in plain decimal, else it might be a name.
    std::array<int, 5> numbers{};
    const char* next = place.data();
    const char* const end = next + place.size();
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto [after, error] = std::from_chars(next, end, numbers[i]);
        const bool last = i == 4;
        if (error != std::errc() || (last ? after != end : after == end) ||
            numbers[i] < 0 || numbers[i] > (last ? 65535 : 255) ||
            (!last && *after != (i == 3 ? ':' : '.'))) {
            return false;
        }
        next = after + 1;
    }
    return numbers[0] == 127;
}

}  // namespace stembridge::link
