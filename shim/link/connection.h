/// The connection file, by which clients find the server: docs/PROTOCOL.md, "Finding the server".
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

#include "link/outcome.h"

namespace stembridge::link {

/// What a client has to know of a server.
struct Connection {
    std::string control;    ///< endpoints, ipc:// or tcp://
    std::string audio;
    std::string serverKey;  ///< CURVE public key, 64 hexadecimal digits; "" on one machine
    std::int64_t pid = 0;
    std::int64_t started = 0;  ///< seconds since 1970
    std::array<std::int64_t, 2> protocol{};
    std::string version;
};

/// What `content`, the text of the file `file`, says. Any text may come. Any thread.
Outcome<Connection> parseConnection(const std::string& content, const std::filesystem::path& file);

/// The server on this machine: RUNTIME/connection.json, and its process has to run. A problem that
/// is `absent` where there is none. Link thread.
Outcome<Connection> readConnection(const std::filesystem::path& runtimeFolder);

/// A server elsewhere, by the copy of its connection file. Link thread.
Outcome<Connection> readCopiedConnection(const std::filesystem::path& file);

/// Whether certainly no other machine is at the other end. Looks up nothing. Any thread.
bool isLocal(const std::string& endpoint);

}  // namespace stembridge::link
