// How many programs per second this machine starts and waits for: `spawn-probe COUNT IN_FLIGHT
// DIRECTORY`
// runs /bin/true by posix_spawn with its output into two files of its own, and prints JSON.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

// As a worker has to: a directory for the program, a file for each of its outputs.
static void start(const char *root, int number) {
  char directory[4096], out[4200], err[4200];
  snprintf(directory, sizeof directory, "%s/%d", root, number);
  snprintf(out, sizeof out, "%s/out", directory);
  snprintf(err, sizeof err, "%s/err", directory);
  if (mkdir(directory, 0700) != 0) exit(2);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, err, O_WRONLY | O_CREAT, 0600);
  pid_t pid;
  char *arguments[] = {"/bin/true", NULL};
  if (posix_spawn(&pid, "/bin/true", &actions, NULL, arguments, environ) != 0) exit(3);
  posix_spawn_file_actions_destroy(&actions);
}

int main(int argc, char **argv) {
  if (argc != 4) return 64;
  int count = atoi(argv[1]), in_flight = atoi(argv[2]), started = 0, ended = 0;
  double begin = now();
  while (ended < count) {
    while (started < count && started - ended < in_flight) start(argv[3], started++);
    if (wait(NULL) < 0) return 4;
    ended++;
  }
  printf("{\"spawnPerSecond\":%.1f}\n", count / (now() - begin));
  return 0;
}
