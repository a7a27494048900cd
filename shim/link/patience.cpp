#include "link/patience.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace stembridge::link {

namespace {

// Where there is no hope: a server that was just killed may be back soon.
constexpr std::int64_t kHopelessUs = 2'000'000;

}  // namespace

bool Patience::wait() {
    const std::int64_t now = client_.progress();
    if (now != seen_) {
        // A track that waits for its plan gives us no block that would wake the link.
        client_.wake();
        seen_ = now;
        spentUs_ = 0;
        isOver_ = false;
    }
    if (isOver_) {
        return false;
    }
    const auto before = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto slept = std::chrono::steady_clock::now() - before;
    spentUs_ += std::chrono::duration_cast<std::chrono::microseconds>(slept).count();
    isOver_ = spentUs_ > (client_.isHopeful() ? patienceUs_ : std::min(patienceUs_, kHopelessUs));
    return !isOver_;
}

}  // namespace stembridge::link
