/// What the tests share: frames in memory of their own, and the files of vectors.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/codec.h"

namespace stembridge::protocol {

using Json = nlohmann::ordered_json;
using Bytes = std::vector<std::byte>;

/// The frames of one message, and views of them for decode().
struct Frames {
    std::vector<Bytes> bytes;

    Decoded decoded(MessageTypes accepted = MessageTypes::all()) const;
};

inline bool operator==(const Frames& a, const Frames& b) { return a.bytes == b.bytes; }

Bytes fromHex(std::string_view hex);
Bytes packed(const Json& value);
Frames framesOf(const Json& hexadecimal);
Frames framesOf(const Encoded& encoded);

/// The content of a JSON file; the one that an environment variable names, if it is set.
Json readJson(const std::string& path, const char* variable = nullptr);

}  // namespace stembridge::protocol
