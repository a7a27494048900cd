#include "allocations.h"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t allocated = 0;

}  // namespace

void* operator new(std::size_t bytes) {
    allocated += bytes;
    if (void* memory = std::malloc(bytes)) return memory;
    throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace stembridge::protocol {

Allocations::Allocations() : before_(allocated) {}

std::size_t Allocations::bytes() const { return allocated - before_; }

}  // namespace stembridge::protocol
