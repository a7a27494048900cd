#include "trap.h"

#include <cstdlib>
#include <new>

#include "trap_notes.h"

namespace stembridge {
namespace trap {
namespace {

// Plain and without a constructor, as malloc may come before anything else has.
thread_local bool isWatching = false;
thread_local std::int64_t forbidden = 0;

}  // namespace

void note() {
    if (isWatching) ++forbidden;
}

}  // namespace trap

Trap::Trap() {
    trap::forbidden = 0;
    trap::isWatching = true;
    trap::stopSystemCalls();
}

Trap::~Trap() {
    trap::letSystemCalls();
    trap::isWatching = false;
}

std::int64_t Trap::count() const { return trap::forbidden; }

}  // namespace stembridge

using stembridge::trap::note;

#ifdef STEMBRIDGE_TRAPS_ALL

// The C library's own functions behind ours; operator new and delete come here as well.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* memory);

void* malloc(std::size_t size) noexcept {
    note();
    return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) noexcept {
    note();
    return __libc_calloc(count, size);
}

void* realloc(void* memory, std::size_t size) noexcept {
    note();
    return __libc_realloc(memory, size);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept {
    note();
    return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    return memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
    *memory = memalign(alignment, size);
    return *memory == nullptr;
}

void free(void* memory) noexcept {
    note();
    __libc_free(memory);
}
}

#else

void* operator new(std::size_t size) {
    note();
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}

// Sanitizers bring this one as well, which would not go together with our delete.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    note();
    return std::malloc(size);
}

void operator delete(void* memory) noexcept {
    note();
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
    note();
    std::free(memory);
}

#endif
