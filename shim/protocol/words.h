/// Texts of errors.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace stembridge::protocol {

inline std::string word(std::string_view text) { return std::string(text); }
std::string word(std::integral auto number) { return std::to_string(number); }

/// Texts and whole numbers after one another, whatever the locale of the host.
template <typename... Parts>
std::string words(const Parts&... parts) {
    return (word(parts) + ...);
}

}  // namespace stembridge::protocol
