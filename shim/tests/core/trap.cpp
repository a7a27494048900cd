#include "trap.h"

#include <pthread.h>

#include <cstdlib>
#include <new>

namespace {

// Plain and without a constructor, as malloc may come before anything else has.
thread_local bool isWatching = false;
thread_local std::int64_t forbidden = 0;

void note() {
    if (isWatching) ++forbidden;
}

}  // namespace

namespace stembridge {

Trap::Trap() {
    forbidden = 0;
    isWatching = true;
}

Trap::~Trap() { isWatching = false; }

std::int64_t Trap::count() const { return forbidden; }

}  // namespace stembridge

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

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    note();
    return __libc_memalign(alignment, size);
}

void free(void* memory) noexcept {
    note();
    __libc_free(memory);
}

// The linker leads calls of our own code here, see CMakeLists.txt.
int __real_pthread_mutex_lock(pthread_mutex_t* mutex);

int __wrap_pthread_mutex_lock(pthread_mutex_t* mutex) {
    note();
    return __real_pthread_mutex_lock(mutex);
}
}

#else

void* operator new(std::size_t size) {
    note();
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
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
