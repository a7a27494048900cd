#pragma once

#include <cstdint>
#include <functional>

namespace stembridge {

/// A gain that goes to where it is aimed in a straight line over a fixed number of frames.
///
/// How the frames are cut into blocks changes nothing. Audio thread, all of it.
class Ramp {
public:
    /// length: frames from one value to the next, at least 1. Stands at `value`.
    explicit Ramp(std::int64_t length, float value = 0.0f)
        : length_(length), done_(length), start_(value), target_(value) {}

    /// Goes to `target` from where it is now; nothing changes when it is on its way there.
    void aim(float target) {
        if (std::equal_to<float>()(target, target_)) return;
        start_ = at(-1);
        target_ = target;
        done_ = 0;
    }

    /// Is at `value` at once.
    void jump(float value) {
        start_ = target_ = value;
        done_ = length_;
    }

    bool isSteady() const { return done_ == length_; }

    /// Value at the frame `offset` after the next one; offset -1 is the frame before.
    float at(std::int64_t offset) const {
        const std::int64_t steps = done_ + offset + 1;
        if (steps >= length_) return target_;
        return start_ +
               (target_ - start_) * static_cast<float>(steps) / static_cast<float>(length_);
    }

    /// Goes on by so many frames.
    void advance(std::int64_t frames) {
        done_ = frames < length_ - done_ ? done_ + frames : length_;
    }

private:
    std::int64_t length_;
    std::int64_t done_;
    float start_;
    float target_;
};

}  // namespace stembridge
