/// The CURVE keys of the clients on this machine, for a server on another one.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

#include "link/outcome.h"

namespace stembridge::link {

using Key = std::array<std::uint8_t, 32>;

struct KeyPair {
    Key publicKey{};
    Key secretKey{};
};

/// The key that 64 hexadecimal digits name, and nothing else. Any thread.
Outcome<Key> parseKey(const std::string& digits);

/// CONFIG/keys/client.secret, which `stembridge keys new` makes. Link thread.
Outcome<KeyPair> readClientKeys(const std::filesystem::path& configFolder);

}  // namespace stembridge::link
