#include "plugin/host_waiter.h"

namespace stembridge {

Waiter* HostWaiter::ask(std::int64_t frames, bool saysOffline, Offline choice) {
    const std::int64_t now = nowUs();
    pace_.ask(frames, now);
    isAnnounced_ = saysOffline || choice == Offline::Always;
    if (choice == Offline::Never) return nullptr;
    return isAnnounced_ || pace_.outruns(now) ? this : nullptr;
}

bool HostWaiter::wait() {
    if (isCalled_.load(std::memory_order_relaxed)) return false;
    if (!isAnnounced_ && !pace_.outruns(nowUs())) return false;
    // A sidecar that was there may be back soon. Where there never was one, nobody waits for it: a
    // host that loads us renders a few blocks, and shall not notice.
    hadHope_ = hadHope_ || client_.progress() > 0;
    if (!hadHope_ && !client_.isHopeful()) return false;
    return patience_.wait();
}

}  // namespace stembridge
