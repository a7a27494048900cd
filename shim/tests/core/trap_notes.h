/// What the files of the trap share.
#pragma once

namespace stembridge::trap {

/// Counts a forbidden call if this thread is watched.
void note();

/// From here on the first system call of this thread is noted; until `letSystemCalls`.
void stopSystemCalls();
void letSystemCalls();

}  // namespace stembridge::trap
