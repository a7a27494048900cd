#pragma once

#include <cstdint>

namespace stembridge {

/// Counts what the audio thread must not do, in this thread, for as long as it exists.
///
/// That is allocating and freeing, by new or by malloc, locking and waking others, and the first
/// system call, whoever makes it. With a sanitizer, whose own malloc and mutexes those are, only
/// new and delete are seen.
class Trap {
public:
    Trap();
    ~Trap();
    Trap(const Trap&) = delete;
    Trap& operator=(const Trap&) = delete;

    /// Forbidden calls so far.
    std::int64_t count() const;

    /// Number of the last system call that was seen in this thread; -1 for none.
    static long systemCall();

    /// Whether system calls are seen here, which takes Linux 5.11 on x86-64.
    static bool seesSystemCalls();
};

}  // namespace stembridge
