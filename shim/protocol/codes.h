/// Why something was refused: the codes of ERROR.
#pragma once

#include <string>
#include <string_view>

namespace stembridge::protocol {

/// The codes of version 1; docs/PROTOCOL.md says what a client does about each.
enum class Code {
    kMalformed,
    kOtherVersion,  ///< `version`
    kType,
    kOrder,
    kSession,
    kCredit,
    kFormat,
    kModel,
    kNetwork,
    kLatency,
    kPlan,
    kLoad,
    kFull,
    kWorker,
    kForbidden,
    kSilent,
    kStopping,
    kInternal,
};

/// The code as it stands in ERROR. Any thread.
std::string_view nameOf(Code code) noexcept;

/// The code of that name; kInternal for one that only a newer server knows. Any thread.
Code codeNamed(std::string_view name) noexcept;

/// The peer broke the protocol: `code` is that of the ERROR it deserves, `why` one line in words.
struct Refusal {
    Code code = Code::kMalformed;
    std::string why;
};

}  // namespace stembridge::protocol
