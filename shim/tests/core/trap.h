#pragma once

#include <cstdint>

namespace stembridge {

/// Counts what the audio thread must not do, in this thread, for as long as it exists.
///
/// That is allocating and freeing, by new or by malloc, and locking a mutex. With a sanitizer,
/// whose own malloc and mutexes those are, only new and delete are seen.
class Trap {
public:
    Trap();
    ~Trap();
    Trap(const Trap&) = delete;
    Trap& operator=(const Trap&) = delete;

    /// Forbidden calls so far.
    std::int64_t count() const;
};

}  // namespace stembridge
