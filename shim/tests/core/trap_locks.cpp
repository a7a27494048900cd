// Locks, and what wakes others: ours come before the C library's, for its callers in shared
// libraries as well.
#ifdef STEMBRIDGE_TRAPS_ALL

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>

#include "trap_notes.h"

namespace {

// `own` by the same name in the C library.
template <typename Function>
Function* next(Function*, const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define STEMBRIDGE_NOTED(name, parameters, arguments, specifier) \
    extern "C" int name parameters specifier {                   \
        static auto* const real = next(&name, #name);            \
        stembridge::trap::note();                                \
        return real arguments;                                   \
    }

STEMBRIDGE_NOTED(pthread_mutex_lock, (pthread_mutex_t * one), (one), noexcept)
STEMBRIDGE_NOTED(pthread_mutex_trylock, (pthread_mutex_t * one), (one), noexcept)
STEMBRIDGE_NOTED(pthread_mutex_unlock, (pthread_mutex_t * one), (one), noexcept)
STEMBRIDGE_NOTED(pthread_rwlock_rdlock, (pthread_rwlock_t * one), (one), noexcept)
STEMBRIDGE_NOTED(pthread_rwlock_wrlock, (pthread_rwlock_t * one), (one), noexcept)
STEMBRIDGE_NOTED(pthread_cond_signal, (pthread_cond_t * one), (one), noexcept)
STEMBRIDGE_NOTED(pthread_cond_broadcast, (pthread_cond_t * one), (one), noexcept)
STEMBRIDGE_NOTED(pthread_cond_wait, (pthread_cond_t * one, pthread_mutex_t* other), (one, other), )
STEMBRIDGE_NOTED(sem_post, (sem_t * one), (one), noexcept)
STEMBRIDGE_NOTED(sem_wait, (sem_t * one), (one), )
STEMBRIDGE_NOTED(sem_trywait, (sem_t * one), (one), noexcept)

#endif
