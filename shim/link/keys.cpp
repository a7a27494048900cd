#include "link/keys.h"

#include <zmq.h>

#include <algorithm>
#include <charconv>

#include "link/private_files.h"

namespace stembridge::link {
namespace {

constexpr std::size_t kFileBytes = 128;  // 64 digits and the end of the line
constexpr std::size_t kZ85Bytes = 41;    // 32 bytes as ZeroMQ writes them, and a null

}  // namespace

Outcome<Key> parseKey(const std::string& digits) {
    if (digits.size() != 64 ||
        digits.find_first_not_of("0123456789abcdef") != std::string::npos) {
        return Problem{"that is no key; it has 64 hexadecimal digits"};
    }
    Key key{};
    for (std::size_t i = 0; i < key.size(); ++i) {
        std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, key[i], 16);
    }
    return key;
}

Outcome<KeyPair> readClientKeys(const std::filesystem::path& configFolder) {
    const std::filesystem::path file = configFolder / "keys" / "client.secret";
    const Outcome<std::string> content = readPrivate(file, kFileBytes, true);
    if (!content) {
        return content.problem().absent
                   ? Problem{"a server on another machine asks for a key; run `stembridge keys new`"}
                   : content.problem();
    }
    const Outcome<Key> secret = parseKey(content->substr(0, content->find_last_not_of("\r\n ") + 1));
    if (!secret) {
        return Problem{file.string() + " holds no key; remove it, and run `stembridge keys new`"};
    }
    std::array<char, kZ85Bytes> secretText{};
    std::array<char, kZ85Bytes> publicText{};
    KeyPair pair{{}, *secret};
    if (zmq_z85_encode(secretText.data(), pair.secretKey.data(), pair.secretKey.size()) == nullptr ||
        zmq_curve_public(publicText.data(), secretText.data()) != 0 ||
        zmq_z85_decode(pair.publicKey.data(), publicText.data()) == nullptr) {
        return Problem{"this ZeroMQ was built without CURVE, so that no other machine can be used"};
    }
    return pair;
}

}  // namespace stembridge::link
