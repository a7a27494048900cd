#include "vectors.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace stembridge::protocol {

Decoded Frames::decoded(MessageTypes accepted) const {
    const std::vector<Frame> views(bytes.begin(), bytes.end());
    return decode(views, accepted);
}

Bytes fromHex(std::string_view hex) {
    const auto nibble = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
    Bytes bytes;
    for (std::size_t place = 0; place + 1 < hex.size(); place += 2) {
        bytes.push_back(static_cast<std::byte>(nibble(hex[place]) * 16 + nibble(hex[place + 1])));
    }
    return bytes;
}

Bytes packed(const Json& value) {
    Bytes bytes;
    for (const std::uint8_t byte : Json::to_msgpack(value)) bytes.push_back(std::byte{byte});
    return bytes;
}

Frames framesOf(const Json& hexadecimal) {
    Frames frames;
    for (const auto& hex : hexadecimal) frames.bytes.push_back(fromHex(hex.get<std::string>()));
    return frames;
}

Frames framesOf(const Encoded& encoded) {
    Frames frames{{encoded.header}};
    if (encoded.payload)
        frames.bytes.emplace_back(encoded.payload->begin(), encoded.payload->end());
    return frames;
}

Json readJson(const std::string& path, const char* variable) {
    const char* other = variable == nullptr ? nullptr : std::getenv(variable);
    std::ifstream file(other == nullptr ? path : other);
    if (!file) throw std::runtime_error("cannot read " + path);
    return Json::parse(file);
}

}  // namespace stembridge::protocol
