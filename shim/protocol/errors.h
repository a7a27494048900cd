/// What this side does wrong, as opposed to a Refusal, which is what the peer does wrong.
#pragma once

#include <stdexcept>

namespace stembridge::protocol {

/// This side was about to send what docs/PROTOCOL.md does not allow: a mistake in the program.
class LocalProtocolError : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

}  // namespace stembridge::protocol
