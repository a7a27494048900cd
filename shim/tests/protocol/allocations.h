/// How much memory the calling thread has asked for, counted in the operator new of these tests.
#pragma once

#include <cstddef>

namespace stembridge::protocol {

/// Bytes that the thread has allocated since the object was made, whether freed again or not.
class Allocations {
public:
    Allocations();
    std::size_t bytes() const;

private:
    std::size_t before_;
};

}  // namespace stembridge::protocol
