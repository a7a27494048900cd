#include "protocol/text.h"

#include <array>
#include <cstddef>
#include <optional>

namespace stembridge::protocol {
namespace {

struct Character {
    char32_t code = 0;
    std::size_t bytes = 0;
};

/// The first character of a text that is not empty; none where it is not UTF-8.
std::optional<Character> firstOf(std::string_view text) noexcept {
    const auto byte = [text](std::size_t place) { return static_cast<unsigned char>(text[place]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return Character{lead, 1};
    const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return std::nullopt;
    char32_t code = lead & (0x7FU >> bytes);
    for (std::size_t place = 1; place < bytes; ++place) {
        if ((byte(place) & 0xC0U) != 0x80) return std::nullopt;
        code = code << 6U | (byte(place) & 0x3FU);
    }
    constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code < kSmallest[bytes] || code > 0x10FFFF || surrogate) return std::nullopt;
    return Character{code, bytes};
}

bool isUnshowable(char32_t code) noexcept {
    return code <= 0x1F || (code >= 0x7F && code <= 0x9F) || code == 0x061C || code == 0x200E ||
           code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

bool isUtf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto character = firstOf(text);
        if (!character) return false;
        text.remove_prefix(character->bytes);
    }
    return true;
}

bool isShowable(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto character = firstOf(text);
        if (!character || isUnshowable(character->code)) return false;
        text.remove_prefix(character->bytes);
    }
    return true;
}

std::string clipped(std::string_view text, std::size_t most) {
    std::string made;
    while (!text.empty()) {
        const auto character = firstOf(text);
        const std::size_t bytes = character ? character->bytes : 1;
        const std::string_view shown = !character                      ? ""
                                       : isUnshowable(character->code) ? " "
                                                                       : text.substr(0, bytes);
        if (made.size() + shown.size() > most) break;
        made += shown;
        text.remove_prefix(bytes);
    }
    return made;
}

}  // namespace stembridge::protocol
