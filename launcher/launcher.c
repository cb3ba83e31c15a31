/*
 * loom-launcher: starts programs on behalf of a worker.
 *
 * The worker is a large process, and a fork copies page tables: at 1.5 GB it could start 15 programs
 * a second. This process stays small, uses vfork, and does nothing else. It reads requests from
 * stdin and writes replies to stdout; the frames are drawn in src/worker/launcher/frames.ts.
 *
 * Promises, each of them tested by tests/worker/launcher:
 *  - a program has a session of its own, default signal handling, and no descriptors but 0, 1 and 2;
 *  - EXITED is sent when nothing of the run is left, neither its group nor what has left the group;
 *  - at the end of stdin, also after a kill -9 of the worker, everything is killed;
 *  - programs die with the launcher (PR_SET_PDEATHSIG).
 *
 * Single-threaded; never blocks but in vfork (until exec) and in poll.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROTOCOL_VERSION 1
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"
/* Longest wait for leftovers of a run, which may hang in the kernel (a dead network file system). */
#define LEFTOVER_LIMIT_US 2000000
/* How often leftovers are looked for again when no SIGCHLD comes. */
#define LEFTOVER_POLL_MS 5
/* Start times in /proc have a resolution of 10 ms; be generous. */
#define START_TIME_SLACK_US 20000
/* Requests handled before exits are looked at again: a vfork and exec takes about 0.3 ms. */
#define REQUESTS_PER_PASS 8
#define CPU_MASK_BITS 8192
#define BUCKETS 1024

enum { START = 1, KILL = 2, HELLO = 65, EXITED = 66, SPAWN_FAILED = 67 };
enum { PROTECTION_NONE = 0, PROTECTION_PERMISSIONS = 1, PROTECTION_NAMESPACE = 2 };
enum {
  STEP_PROGRAM = 1,
  STEP_DIRECTORY = 2,
  STEP_STDIN = 3,
  STEP_STDOUT = 4,
  STEP_STDERR = 5,
  STEP_PROCESS = 6,
  STEP_REQUEST = 7
};
enum { FLAG_UNPINNED = 1, FLAG_LEFTOVERS = 2 };

/* A program that was started: in `running` until it is reaped, then in `ending` until EXITED. */
struct run {
  struct run *next_by_pid, *next_by_id, *previous, *next;
  uint32_t id;
  pid_t pid;              /* also its process group and session */
  uint64_t started_us;    /* CLOCK_MONOTONIC, for the wall time */
  uint64_t booted_us;     /* CLOCK_BOOTTIME, which start times in /proc count from */
  uint64_t ended_us;
  int status;
  int signal;             /* to be sent at the end of this pass, 0 = none */
  bool unpinned, leftovers;
  char *directory;        /* as given; made real when a leftover is looked for */
  bool directory_is_real;
};

struct run_list {
  struct run *first, *last;
};

struct buffer {
  char *bytes;
  size_t begin, end, capacity;
};

struct process {
  pid_t pid, parent, group, session;
  uint64_t booted_us;
  struct run *owner;
};

struct process_list {
  struct process *items;
  size_t count, capacity;
};

/* All that the child of vfork needs. It shares our memory, so it must not allocate anything. */
struct start {
  const char *directory, *in, *out, *err;
  char **arguments; /* with one free slot in front, for /bin/sh */
  char **environment;
  const char *path;
  char *candidate; /* room for the longest directory of `path` and the program's name */
  const unsigned long *cpu_mask;
  size_t cpu_mask_bytes; /* 0 = not pinned */
};

static struct buffer input, output;
static struct run_list running, ending;
static struct run *by_pid[BUCKETS], *by_id[BUCKETS];
static pid_t self;
static int null_fd, signal_fd, children_fd;
static bool signals_wanted;
static long ticks_per_second;
extern char **environ;

/* Written by the child of vfork, in our memory. */
static volatile int failed_step, failed_errno;
static volatile bool pinning_failed;

static void die(const char *what) {
  fprintf(stderr, "loom-launcher: %s: %s\n", what, strerror(errno));
  exit(70); /* The kernel kills the programs, see PR_SET_PDEATHSIG. */
}

static void *resize(void *old, size_t bytes) {
  void *grown = realloc(old, bytes ? bytes : 1);
  if (!grown) die("out of memory");
  return grown;
}

static uint64_t clock_us(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- buffers and replies --- */

static void reserve(struct buffer *buffer, size_t bytes) {
  if (buffer->capacity - buffer->end >= bytes) return;
  if (buffer->begin > 0) memmove(buffer->bytes, buffer->bytes + buffer->begin, buffer->end - buffer->begin);
  buffer->end -= buffer->begin;
  buffer->begin = 0;
  if (buffer->capacity - buffer->end >= bytes) return;
  buffer->capacity = (buffer->end + bytes) * 2;
  buffer->bytes = resize(buffer->bytes, buffer->capacity);
}

/* Numbers on the wire are little endian, whatever the machine. */
static void put(struct buffer *buffer, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) buffer->bytes[buffer->end++] = (char)(value >> (8 * i));
}

static uint32_t get_u32(const char *at) {
  const unsigned char *b = (const unsigned char *)at;
  return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void reply_hello(int protection) {
  reserve(&output, 16);
  put(&output, 3, 4);
  put(&output, HELLO, 1);
  put(&output, PROTOCOL_VERSION, 1);
  put(&output, (uint64_t)protection, 1);
}

static void reply_exited(const struct run *run) {
  reserve(&output, 24);
  put(&output, 16, 4);
  put(&output, EXITED, 1);
  put(&output, run->id, 4);
  put(&output, WIFEXITED(run->status) ? (uint64_t)WEXITSTATUS(run->status) : 0, 1);
  put(&output, WIFSIGNALED(run->status) ? (uint64_t)WTERMSIG(run->status) : 0, 1);
  put(&output, (run->unpinned ? FLAG_UNPINNED : 0) | (run->leftovers ? FLAG_LEFTOVERS : 0), 1);
  put(&output, run->ended_us - run->started_us, 8);
}

static void reply_spawn_failed(uint32_t id, int step, int error) {
  reserve(&output, 16);
  put(&output, 10, 4);
  put(&output, SPAWN_FAILED, 1);
  put(&output, id, 4);
  put(&output, (uint64_t)step, 1);
  put(&output, (uint64_t)error, 4);
}

/* --- runs --- */

static void append(struct run_list *list, struct run *run) {
  run->next = NULL;
  run->previous = list->last;
  if (list->last) list->last->next = run;
  else list->first = run;
  list->last = run;
}

static void detach(struct run_list *list, struct run *run) {
  if (run->previous) run->previous->next = run->next;
  else list->first = run->next;
  if (run->next) run->next->previous = run->previous;
  else list->last = run->previous;
}

static struct run *find_by_pid(pid_t pid) {
  struct run *run = by_pid[(unsigned)pid % BUCKETS];
  while (run && run->pid != pid) run = run->next_by_pid;
  return run;
}

static struct run *find_by_id(uint32_t id) {
  struct run *run = by_id[id % BUCKETS];
  while (run && run->id != id) run = run->next_by_id;
  return run;
}

static void add_run(struct run *run) {
  struct run **pid_bucket = &by_pid[(unsigned)run->pid % BUCKETS];
  struct run **id_bucket = &by_id[run->id % BUCKETS];
  run->next_by_pid = *pid_bucket;
  *pid_bucket = run;
  run->next_by_id = *id_bucket;
  *id_bucket = run;
  append(&running, run);
}

/* The pid is free for others once its process is reaped, so the run is no longer found by it. */
static void move_to_ending(struct run *run) {
  struct run **link = &by_pid[(unsigned)run->pid % BUCKETS];
  while (*link != run) link = &(*link)->next_by_pid;
  *link = run->next_by_pid;
  detach(&running, run);
  append(&ending, run);
}

static void finish_run(struct run *run) {
  struct run **link = &by_id[run->id % BUCKETS];
  while (*link != run) link = &(*link)->next_by_id;
  *link = run->next_by_id;
  detach(&ending, run);
  reply_exited(run);
  free(run->directory);
  free(run);
}

/* --- what /proc knows --- */

static bool read_process(pid_t pid, struct process *process) {
  char name[64], text[1024];
  snprintf(name, sizeof name, "/proc/%d/stat", pid);
  int fd = open(name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t size = read(fd, text, sizeof text - 1);
  close(fd);
  if (size <= 0) return false;
  text[size] = 0;
  /* The command's name may hold anything, also brackets; the last one closes it. */
  char *rest = strrchr(text, ')');
  unsigned long long ticks;
  if (!rest || sscanf(rest + 1, " %*c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                      &process->parent, &process->group, &process->session, &ticks) != 4)
    return false;
  process->pid = pid;
  process->booted_us = ticks * 1000000 / (unsigned long long)ticks_per_second;
  process->owner = NULL;
  return true;
}

static void add_process(struct process_list *list, const struct process *process) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity ? list->capacity * 2 : 256;
    list->items = resize(list->items, list->capacity * sizeof *list->items);
  }
  list->items[list->count++] = *process;
}

static int compare_processes(const void *a, const void *b) {
  return ((const struct process *)a)->pid - ((const struct process *)b)->pid;
}

/* All processes of the machine, by pid. Costs about 10 us each, so it is kept off the usual path. */
static void scan_processes(struct process_list *list) {
  list->count = 0;
  DIR *directory = opendir("/proc");
  if (!directory) return;
  for (struct dirent *entry; (entry = readdir(directory));) {
    struct process process;
    if (isdigit((unsigned char)entry->d_name[0]) && read_process(atoi(entry->d_name), &process))
      add_process(list, &process);
  }
  closedir(directory);
  qsort(list->items, list->count, sizeof *list->items, compare_processes);
}

static struct process *find_process(const struct process_list *list, pid_t pid) {
  if (list->count == 0) return NULL;
  struct process key = {.pid = pid};
  return bsearch(&key, list->items, list->count, sizeof key, compare_processes);
}

/* Hands owners down to their descendants. Parents mostly have lower pids, so two passes do. */
static void spread_owners(struct process_list *list) {
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < list->count; i++) {
      struct process *process = &list->items[i];
      if (process->owner || process->parent == self) continue;
      struct process *parent = find_process(list, process->parent);
      if (!parent || !parent->owner) continue;
      process->owner = parent->owner;
      changed = true;
    }
  }
}

/* Pids of our children, zombies too. The count, or -1 when the kernel has no such list. */
static ssize_t list_children(pid_t **pids, size_t *capacity) {
  static char *text;
  static size_t text_capacity;
  size_t size = 0;
  for (;;) {
    if (text_capacity - size < 4096) text = resize(text, text_capacity = text_capacity * 2 + 8192);
    ssize_t count = pread(children_fd, text + size, text_capacity - size - 1, (off_t)size);
    if (count < 0) return -1;
    if (count == 0) break;
    size += (size_t)count;
  }
  if (size == 0) return 0;
  text[size] = 0;
  ssize_t found = 0;
  for (char *at = text; *at;) {
    char *after;
    long pid = strtol(at, &after, 10);
    if (after == at) break;
    if ((size_t)found == *capacity) *pids = resize(*pids, (*capacity = *capacity * 2 + 64) * sizeof **pids);
    (*pids)[found++] = (pid_t)pid;
    for (at = after; *at == ' ';) at++;
  }
  return found;
}

static bool is_inside(const char *directory, const char *path) {
  size_t length = strlen(directory);
  return length > 1 && strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* Whether the process works in the run's directory, or has one of its files as stdin, stdout or stderr. */
static bool uses_directory(pid_t pid, struct run *run) {
  if (!run->directory_is_real) {
    char *real = realpath(run->directory, NULL);
    if (real) {
      free(run->directory);
      run->directory = real;
    }
    run->directory_is_real = true;
  }
  static const char *const links[] = {"cwd", "fd/0", "fd/1", "fd/2"};
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
    char name[64], target[PATH_MAX];
    snprintf(name, sizeof name, "/proc/%d/%s", pid, links[i]);
    ssize_t size = readlink(name, target, sizeof target - 1);
    if (size < 0) continue;
    target[size] = 0;
    if (is_inside(run->directory, target)) return true;
  }
  return false;
}

/* --- the end of runs --- */

/*
 * The ended run that left this orphan behind, or NULL when a running program may own it. A daemon
 * that has changed its session, its directory and its files cannot be told from one of another
 * run: it lives until every program that was there before it has ended.
 */
static struct run *find_owner(const struct process *orphan) {
  for (struct run *run = ending.first; run; run = run->next)
    if (orphan->session == run->pid) return run;
  if (find_by_pid(orphan->session)) return NULL;
  for (struct run *run = ending.first; run; run = run->next)
    if (uses_directory(orphan->pid, run)) return run;
  if (running.first && running.first->booted_us <= orphan->booted_us + START_TIME_SLACK_US) return NULL;
  return ending.last;
}

/* Kills what has left the groups of ended runs. We are their subreaper: orphans are our children. */
static void kill_orphans(void) {
  static pid_t *children;
  static size_t children_capacity;
  static struct process_list processes;
  ssize_t count = children_fd < 0 ? -1 : list_children(&children, &children_capacity);
  bool found = count < 0;
  for (ssize_t i = 0; i < count && !found; i++) found = !find_by_pid(children[i]);
  if (!found) return;

  scan_processes(&processes);
  found = false;
  for (size_t i = 0; i < processes.count; i++) {
    struct process *process = &processes.items[i];
    if (process->parent != self || find_by_pid(process->pid)) continue;
    process->owner = find_owner(process);
    if (process->owner) found = true;
  }
  if (!found) return;
  spread_owners(&processes);
  for (size_t i = 0; i < processes.count; i++) {
    struct process *process = &processes.items[i];
    if (!process->owner) continue;
    kill(process->pid, SIGKILL);
    process->owner->leftovers = true;
  }
}

/* Reports the ended runs of which nothing is left, and kills what is left of the others. */
static void settle(void) {
  if (!ending.first) return;
  for (struct run *run = ending.first; run; run = run->next)
    run->leftovers = kill(-run->pid, SIGKILL) == 0 || errno != ESRCH;
  kill_orphans();
  uint64_t now_us = clock_us(CLOCK_MONOTONIC);
  for (struct run *run = ending.first, *next; run; run = next) {
    next = run->next;
    if (!run->leftovers || now_us - run->ended_us > LEFTOVER_LIMIT_US) finish_run(run);
  }
}

static void reap(void) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    struct run *run = find_by_pid(pid);
    if (!run) continue;
    run->status = status;
    run->ended_us = clock_us(CLOCK_MONOTONIC);
    move_to_ending(run);
  }
}

/* Sends the signals asked for in this pass; one look at /proc serves them all. */
static void send_signals(void) {
  static struct process_list processes;
  if (!signals_wanted) return;
  signals_wanted = false;
  /* A stopped group forks no more while its descendants are collected. */
  for (struct run *run = running.first; run; run = run->next)
    if (run->signal == SIGKILL) kill(-run->pid, SIGSTOP);
  scan_processes(&processes);
  for (size_t i = 0; i < processes.count; i++) {
    struct run *run = find_by_pid(processes.items[i].pid);
    if (run && run->signal) processes.items[i].owner = run;
  }
  spread_owners(&processes);
  for (size_t i = 0; i < processes.count; i++) {
    const struct process *process = &processes.items[i];
    if (process->owner && process->group != process->owner->pid) kill(process->pid, process->owner->signal);
  }
  for (struct run *run = running.first; run; run = run->next) {
    if (run->signal) kill(-run->pid, run->signal);
    run->signal = 0;
  }
}

/* The worker is gone: so is everything that it had started. */
static void __attribute__((noreturn)) end_everything(void) {
  static struct process_list processes;
  static struct run any;
  uint64_t limit_us = clock_us(CLOCK_MONOTONIC) + LEFTOVER_LIMIT_US;
  for (struct run *run = running.first; run; run = run->next) kill(-run->pid, SIGKILL);
  for (;;) {
    scan_processes(&processes);
    for (size_t i = 0; i < processes.count; i++)
      if (processes.items[i].parent == self) processes.items[i].owner = &any;
    spread_owners(&processes);
    for (size_t i = 0; i < processes.count; i++)
      if (processes.items[i].owner) kill(processes.items[i].pid, SIGKILL);
    pid_t pid;
    do pid = waitpid(-1, NULL, WNOHANG);
    while (pid > 0);
    if (pid < 0 && errno == ECHILD) exit(0);
    if (clock_us(CLOCK_MONOTONIC) > limit_us) exit(1);
    struct pollfd wanted = {.fd = signal_fd, .events = POLLIN};
    struct signalfd_siginfo info[16];
    if (poll(&wanted, 1, 1) > 0 && read(signal_fd, info, sizeof info) < 0 && errno != EAGAIN) exit(1);
  }
}

/* --- the start of programs --- */

static void __attribute__((noreturn)) give_up(int step) {
  failed_errno = errno;
  failed_step = step;
  _exit(127);
}

static void try_program(const struct start *start, const char *file) {
  execve(file, start->arguments + 1, start->environment);
  if (errno != ENOEXEC) return;
  /* A script without #! is run by the shell, as execvp does. */
  char *name = start->arguments[1];
  start->arguments[0] = (char *)"sh";
  start->arguments[1] = (char *)file;
  execve("/bin/sh", start->arguments, start->environment);
  start->arguments[1] = name;
}

static void search_program(const struct start *start) {
  const char *name = start->arguments[1];
  size_t name_length = strlen(name);
  int worst = ENOENT;
  for (const char *at = start->path;;) {
    const char *after = strchrnul(at, ':');
    size_t length = (size_t)(after - at);
    memcpy(start->candidate, at, length);
    if (length > 0) start->candidate[length++] = '/';
    memcpy(start->candidate + length, name, name_length + 1);
    try_program(start, start->candidate);
    if (errno == EACCES) {
      /* A directory of PATH that we may not search hides nothing that the user could mean. */
      if (access(start->candidate, F_OK) == 0) worst = EACCES;
    } else if (errno != ENOENT && errno != ENOTDIR && errno != ESTALE && errno != ENODEV && errno != ETIMEDOUT) {
      return;
    }
    if (!*after) break;
    at = after + 1;
  }
  errno = worst;
}

/* Runs in the child, on our stack and in our memory: system calls only. */
static void __attribute__((noreturn, noinline)) become_program(const struct start *start) {
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != self) _exit(127); /* The launcher was killed before the line above. */
  if (chdir(start->directory) < 0) give_up(STEP_DIRECTORY);
  int in = null_fd, out = null_fd;
  if (*start->in) {
    /* Without O_NONBLOCK a FIFO would stop the launcher until somebody writes to it. */
    in = open(start->in, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (in < 0 || fcntl(in, F_SETFL, 0) < 0) give_up(STEP_STDIN);
  }
  if (*start->out) {
    out = open(start->out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
    if (out < 0) give_up(STEP_STDOUT);
  }
  int err = open(start->err, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
  if (err < 0) give_up(STEP_STDERR);
  if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) give_up(STEP_PROCESS);
  /* A mask without any cpu of this machine is no reason not to run: it is reported with the exit. */
  if (start->cpu_mask_bytes && syscall(SYS_sched_setaffinity, 0, start->cpu_mask_bytes, start->cpu_mask) < 0)
    pinning_failed = true;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (strchr(start->arguments[1], '/')) try_program(start, start->arguments[1]);
  else search_program(start);
  give_up(STEP_PROGRAM);
}

static const char *find_variable(char **environment, const char *name) {
  size_t length = strlen(name);
  for (char **at = environment; *at; at++)
    if (strncmp(*at, name, length) == 0 && (*at)[length] == '=') return *at + length + 1;
  return NULL;
}

/* Replaces a variable ("NAME=VALUE") or adds it; the array has room for it. */
static void set_variable(char **environment, char *variable) {
  size_t length = (size_t)(strchrnul(variable, '=') - variable);
  char **at = environment;
  while (*at && !(strncmp(*at, variable, length) == 0 && (*at)[length] == '=')) at++;
  if (!*at) at[1] = NULL;
  *at = variable;
}

/* Returns "NAME=path:path:rest", to be freed. Without `rest` no colon is left at the end, which would mean the cwd. */
static char *join_paths(const char *name, char **paths, uint32_t count, const char *rest) {
  size_t size = strlen(name) + 2 + (rest ? strlen(rest) : 0);
  for (uint32_t i = 0; i < count; i++) size += strlen(paths[i]) + 1;
  char *joined = resize(NULL, size), *end = joined;
  end = stpcpy(stpcpy(end, name), "=");
  for (uint32_t i = 0; i < count; i++) {
    if (i > 0) *end++ = ':';
    end = stpcpy(end, paths[i]);
  }
  if (rest && *rest) stpcpy(stpcpy(end, ":"), rest);
  return joined;
}

static void launch(uint32_t id, const struct start *start) {
  failed_step = 0;
  pinning_failed = false;
  struct run *run = resize(NULL, sizeof *run);
  *run = (struct run){.id = id};
  run->started_us = clock_us(CLOCK_MONOTONIC);
  run->booted_us = clock_us(CLOCK_BOOTTIME);
  pid_t pid = vfork();
  if (pid == 0) become_program(start);
  if (pid < 0) {
    reply_spawn_failed(id, STEP_PROCESS, errno);
    free(run);
    return;
  }
  if (failed_step) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR);
    reply_spawn_failed(id, failed_step, failed_errno);
    free(run);
    return;
  }
  run->pid = pid;
  run->unpinned = pinning_failed;
  run->directory = strdup(start->directory);
  if (!run->directory) die("out of memory");
  add_run(run);
}

/* Strings point into the frame, which stays in place until the program has been started. */
static void on_start(char *at, char *end) {
  if (end - at < 20) {
    reply_spawn_failed(end - at < 4 ? 0 : get_u32(at), STEP_REQUEST, EBADMSG);
    return;
  }
  uint32_t id = get_u32(at), cpus = get_u32(at + 4), arguments = get_u32(at + 8);
  uint32_t variables = get_u32(at + 12), paths = get_u32(at + 16);
  at += 20;
  uint64_t room = (uint64_t)(end - at), strings = 4 + (uint64_t)arguments + variables + paths;
  if (arguments == 0 || (uint64_t)cpus * 4 + strings > room || (room > 0 && end[-1] != 0) || find_by_id(id)) {
    reply_spawn_failed(id, STEP_REQUEST, EBADMSG);
    return;
  }
  static unsigned long mask[CPU_MASK_BITS / (8 * sizeof(unsigned long))];
  if (cpus) memset(mask, 0, sizeof mask);
  for (uint32_t i = 0; i < cpus; i++, at += 4) {
    uint32_t cpu = get_u32(at);
    if (cpu < CPU_MASK_BITS) mask[cpu / (8 * sizeof *mask)] |= 1UL << (cpu % (8 * sizeof *mask));
  }
  /* One array: a free slot, then all strings, with an end mark after the arguments. */
  char **list = resize(NULL, (strings + 2) * sizeof *list);
  char **slot = list + 1;
  char *fixed[4];
  uint64_t found = 0;
  for (; found < strings && at < end; found++, at += strlen(at) + 1) {
    if (found < 4) fixed[found] = at;
    else {
      *slot++ = at;
      if (found == 3 + (uint64_t)arguments) *slot++ = NULL;
    }
  }
  if (found < strings || at != end) {
    reply_spawn_failed(id, STEP_REQUEST, EBADMSG);
    free(list);
    return;
  }
  char **first_variable = list + 1 + arguments + 1, **first_path = first_variable + variables;
  char **environment = environ;
  char *path_variable = NULL, *library_variable = NULL;
  if (variables || paths) {
    size_t count = 0;
    while (environ[count]) count++;
    environment = resize(NULL, (count + variables + 3) * sizeof *environment);
    memcpy(environment, environ, (count + 1) * sizeof *environment);
    for (uint32_t i = 0; i < variables; i++) set_variable(environment, first_variable[i]);
  }
  if (paths) {
    const char *path = find_variable(environment, "PATH");
    path_variable = join_paths("PATH", first_path, paths, path ? path : DEFAULT_PATH);
    library_variable = join_paths("LD_LIBRARY_PATH", first_path, paths, find_variable(environment, "LD_LIBRARY_PATH"));
    set_variable(environment, path_variable);
    set_variable(environment, library_variable);
  }
  const char *path = find_variable(environment, "PATH");
  if (!path) path = DEFAULT_PATH;
  char *candidate = resize(NULL, strlen(path) + strlen(list[1]) + 2);
  struct start start = {
      .directory = fixed[0], .in = fixed[1], .out = fixed[2], .err = fixed[3],
      .arguments = list, .environment = environment, .path = path, .candidate = candidate,
      .cpu_mask = mask, .cpu_mask_bytes = cpus ? sizeof mask : 0,
  };
  launch(id, &start);
  free(candidate);
  free(path_variable);
  free(library_variable);
  if (environment != environ) free(environment);
  free(list);
}

static void on_kill(const char *at, const char *end) {
  if (end - at < 5) return;
  /* A run that has just ended is no longer there; the worker learns it from EXITED. */
  struct run *run = find_by_id(get_u32(at));
  if (!run || find_by_pid(run->pid) != run) return;
  if (run->signal != SIGKILL) run->signal = (unsigned char)at[4];
  signals_wanted = true;
}

/* --- the loop --- */

/* Handles some of the complete frames in the input; true when there may be more. */
static bool handle_requests(void) {
  for (int i = 0; i < REQUESTS_PER_PASS; i++) {
    size_t held = input.end - input.begin;
    if (held < 4) return false;
    uint32_t size = get_u32(input.bytes + input.begin);
    if (size < 1 || size > INT32_MAX) end_everything(); /* Not our worker. */
    if (held - 4 < size) {
      reserve(&input, 4 + (size_t)size - held);
      return false;
    }
    char *frame = input.bytes + input.begin + 4;
    if (frame[0] == START) on_start(frame + 1, frame + size);
    else if (frame[0] == KILL) on_kill(frame + 1, frame + size);
    input.begin += 4 + (size_t)size;
  }
  return true;
}

static void read_requests(void) {
  /* A large frame, now empty, is given back; the usual ones fit. */
  if (input.begin == input.end) {
    input.begin = input.end = 0;
    if (input.capacity > 1 << 20) input.bytes = resize(input.bytes, input.capacity = 1 << 18);
  }
  reserve(&input, 1 << 16);
  ssize_t size = read(0, input.bytes + input.end, input.capacity - input.end);
  if (size > 0) input.end += (size_t)size;
  else if (size == 0 || (errno != EAGAIN && errno != EINTR)) end_everything();
}

static void flush(void) {
  while (output.begin < output.end) {
    ssize_t size = write(1, output.bytes + output.begin, output.end - output.begin);
    if (size >= 0) output.begin += (size_t)size;
    else if (errno == EAGAIN) return;
    else if (errno != EINTR) end_everything();
  }
  output.begin = output.end = 0;
}

/*
 * Root may write to files of mode 0444, and programs see their inputs as links into the data
 * directory. In a mount namespace of our own that directory becomes read-only for the programs;
 * the worker, outside, still writes to it.
 */
static int protect(const char *directory) {
  if (geteuid() != 0) return PROTECTION_PERMISSIONS;
  struct statvfs about;
  if (!directory || statvfs(directory, &about) < 0) return PROTECTION_NONE;
  /* A container may have locked these flags: they must be kept. */
  unsigned long kept = (about.f_flag & ST_NOSUID ? MS_NOSUID : 0) | (about.f_flag & ST_NODEV ? MS_NODEV : 0) |
                       (about.f_flag & ST_NOEXEC ? MS_NOEXEC : 0) | (about.f_flag & ST_NOATIME ? MS_NOATIME : 0) |
                       (about.f_flag & ST_RELATIME ? MS_RELATIME : 0);
  if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0 ||
      mount(directory, directory, NULL, MS_BIND, NULL) < 0 ||
      mount(NULL, directory, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | kept, NULL) < 0)
    return PROTECTION_NONE;
  return PROTECTION_NAMESPACE;
}

/* What the worker was started with and did not close must not reach the programs. */
static void close_inherited_descriptors(void) {
  DIR *directory = opendir("/proc/self/fd");
  if (!directory) return;
  for (struct dirent *entry; (entry = readdir(directory));) {
    int fd = atoi(entry->d_name);
    if (fd > 2 && fd != null_fd && fd != dirfd(directory)) close(fd);
  }
  closedir(directory);
}

static void prepare(void) {
  self = getpid();
  ticks_per_second = sysconf(_SC_CLK_TCK);
  do null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  while (null_fd >= 0 && null_fd <= 2 && (null_fd = fcntl(null_fd, F_DUPFD, 0)) <= 2);
  if (null_fd < 0) die("/dev/null");
  fcntl(null_fd, F_SETFD, FD_CLOEXEC);
  close_inherited_descriptors();
  /*
   * All signals stay blocked for ever: a Ctrl-C in the terminal is for the worker to act on, and
   * no handler may run in the child of vfork. Dispositions are the default, so exec inherits that.
   */
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigset_t all, child;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signal_fd < 0) die("signalfd");
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) die("PR_SET_CHILD_SUBREAPER");
  char name[64];
  snprintf(name, sizeof name, "/proc/self/task/%d/children", self);
  children_fd = open(name, O_RDONLY | O_CLOEXEC);
  fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
  fcntl(1, F_SETFL, fcntl(1, F_GETFL) | O_NONBLOCK);
}

int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "--version") == 0) {
    printf("loom-launcher %d\n", PROTOCOL_VERSION);
    return 0;
  }
  prepare();
  reply_hello(protect(count > 1 ? arguments[1] : NULL));
  flush();
  for (bool more = false;;) {
    struct pollfd wanted[] = {
        {.fd = 0, .events = POLLIN | POLLRDHUP},
        {.fd = signal_fd, .events = POLLIN},
        {.fd = 1, .events = output.begin < output.end ? POLLOUT : 0},
    };
    int timeout_ms = more ? 0 : ending.first ? LEFTOVER_POLL_MS : -1;
    if (poll(wanted, 3, timeout_ms) < 0 && errno != EINTR) die("poll");
    if (wanted[1].revents) {
      struct signalfd_siginfo info[16];
      if (read(signal_fd, info, sizeof info) < 0 && errno != EAGAIN) die("signalfd");
      reap();
    }
    /* Seen at once, also when requests of the dead worker still wait to be read. */
    if ((wanted[0].revents & (POLLERR | POLLHUP | POLLRDHUP)) || (wanted[2].revents & (POLLERR | POLLHUP)))
      end_everything();
    if (wanted[0].revents && !more) read_requests();
    more = handle_requests();
    send_signals();
    settle();
    flush();
  }
}
