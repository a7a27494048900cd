#include "plugin/host_waiter.h"

namespace stembridge {

Waiter* HostWaiter::ask(std::int64_t frames, bool saysOffline, Offline choice) {
    const std::int64_t now = nowUs();
    isAnnounced_ = saysOffline || choice == Offline::Always;
    if (choice == Offline::Never) {
        pace_.restart();
        return nullptr;
    }
    // How fast an announced render is says nothing of what comes after it.
    if (isAnnounced_)
        pace_.restart();
    else
        pace_.ask(frames, now);
    return isAnnounced_ || pace_.outruns(now) ? this : nullptr;
}

bool HostWaiter::wait() {
    if (isCalled_.load(std::memory_order_relaxed)) return false;
    if (!isAnnounced_ && !pace_.outruns(nowUs())) return false;
    // A sidecar that was there may be back soon. Where there never was one, nobody waits for it: a
    // host that loads us renders a few blocks, and shall not notice.
    hadHope_ = hadHope_ || client_.progress() > 0;
    if (!hadHope_ && !client_.isHopeful()) return false;
    pace_.wait();
    return patience_.wait();
}

}  // namespace stembridge
