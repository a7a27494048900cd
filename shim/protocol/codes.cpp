#include "protocol/codes.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace stembridge::protocol {
namespace {

constexpr std::array<std::string_view, 18> kNames{
    "malformed", "version", "type",      "order",   "session",  "credit",
    "format",    "model",   "network",   "latency", "plan",     "load",
    "full",      "worker",  "forbidden", "silent",  "stopping", "internal",
};
static_assert(kNames.size() == static_cast<std::size_t>(Code::kInternal) + 1);

}  // namespace

std::string_view nameOf(Code code) noexcept { return kNames[static_cast<std::size_t>(code)]; }

Code codeNamed(std::string_view name) noexcept {
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    return found == kNames.end() ? Code::kInternal : static_cast<Code>(found - kNames.begin());
}

}  // namespace stembridge::protocol
