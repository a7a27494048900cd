#pragma once

#include <atomic>
#include <memory>
#include <utility>

namespace stembridge {

/// Passes objects from a thread that makes them to one that must not, and back to be deleted.
///
/// `Object` has a member `Object* next` for our use. Wait-free on both sides.
template <typename Object>
class Handover {
public:
    Handover() = default;
    Handover(const Handover&) = delete;
    Handover& operator=(const Handover&) = delete;

    ~Handover() {
        delete given_.load();
        collect();
    }

    /// Replaces what was given and not taken yet, and deletes what came back. Making thread.
    void give(std::unique_ptr<Object> object) {
        delete given_.exchange(object.release(), std::memory_order_acq_rel);
        collect();
    }

    /// Deletes what came back. Making thread.
    void collect() {
        if (back_.load(std::memory_order_relaxed) == nullptr) return;
        Object* object = back_.exchange(nullptr, std::memory_order_acquire);
        while (object != nullptr) delete std::exchange(object, object->next);
    }

    /// Whether something is there to be taken. Audio thread.
    bool isWaiting() const { return given_.load(std::memory_order_acquire) != nullptr; }

    /// What was given last, null if nothing; whoever takes it gives it back. Audio thread.
    Object* take() {
        return isWaiting() ? given_.exchange(nullptr, std::memory_order_acquire) : nullptr;
    }

    /// Leaves `object` to be deleted by the making thread. Audio thread.
    void giveBack(Object* object) {
        // Only this side adds. Meanwhile the other one may find nothing, and comes again.
        object->next = back_.exchange(nullptr, std::memory_order_acquire);
        back_.store(object, std::memory_order_release);
    }

private:
    std::atomic<Object*> given_{nullptr};
    std::atomic<Object*> back_{nullptr};
};

}  // namespace stembridge
