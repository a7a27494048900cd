#include "plugin/host_waiter.h"

#include <algorithm>

namespace stembridge {

Waiter* HostWaiter::ask(std::int64_t frames, const Rendering& rendering) {
    isAnnounced_ = rendering.saysOffline || rendering.choice == Offline::Always;
    // A block larger than announced is no burst of many.
    atOnce_ = std::max(frames, rendering.atOnce);
    isRender_ = rendering.saysOffline;
    pace_.allow(burst_.load(std::memory_order_relaxed));
    if (rendering.choice == Offline::Never) {
        pace_.restart();
        return nullptr;
    }
    const std::int64_t now = nowUs();
    // How fast an announced render is says nothing of what comes after it.
    if (isAnnounced_)
        pace_.restart();
    else
        pace_.ask(frames, now);
    isRender_ = isRender_ || pace_.isFarAhead(now);
    return isAnnounced_ || pace_.outruns(now, atOnce_) ? this : nullptr;
}

bool HostWaiter::wait() {
    if (isCalled_.load(std::memory_order_relaxed)) return false;
    if (!isAnnounced_ && !pace_.outruns(nowUs(), atOnce_)) return false;
    // A sidecar that was there may be back soon. Where there never was one, nobody waits for it: a
    // host that loads us renders a few blocks, and shall not notice.
    hadHope_ = hadHope_ || client_.progress() > 0;
    if (!hadHope_ && !client_.isHopeful()) return false;
    isRender_ = true;
    pace_.wait();
    return patience_.wait();
}

}  // namespace stembridge
