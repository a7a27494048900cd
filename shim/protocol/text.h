/// What a text may be: valid UTF-8 that is harmless on a terminal and in a log.
#pragma once

#include <string>
#include <string_view>

namespace stembridge::protocol {

/// True for UTF-8 as Unicode has it: no overlong forms, no surrogates. Any thread.
bool isUtf8(std::string_view text) noexcept;

/// True for UTF-8 without control characters, line separators and marks that change the direction
/// of writing: what a text of a message may be. Any thread.
bool isShowable(std::string_view text) noexcept;

/// `text` as one that a message takes: what may not be shown is blanked, what is not UTF-8 left
/// out, and the end cut off at `most` bytes, between characters. Any thread.
std::string clipped(std::string_view text, std::size_t most);

}  // namespace stembridge::protocol
