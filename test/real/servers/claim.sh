# Sourced by the server scripts. A running server is a folder, /tmp/millrace-NAME-PORT: whoever makes
# the folder has the ports, and what is in it (pid, owner) is enough to clean up after a run that was
# killed.
# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR

HOST=127.0.0.1

folder() { printf '%s/millrace-%s-%s' "${TMPDIR:-/tmp}" "$NAME" "$1"; } # PORT
taken() { (exec 3<>"/dev/tcp/$HOST/$1") 2>/dev/null; }                  # PORT

started_at() { # PID: its start time, which tells it from a later process with the same id
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  # shellcheck disable=SC2086
  set -- $stat
  printf '%s' "${20}"
}

note_process() { # FILE PID
  printf '%s %s\n' "$2" "$(started_at "$2")" >"$1"
}

alive() { # FILE of note_process
  local pid at
  read -r pid at 2>/dev/null <"$1" || return 1
  [ "$(started_at "$pid")" = "$at" ] && ! grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null
}

pid_in() { # FILE
  local pid _
  read -r pid _ <"$1"
  printf '%s' "$pid"
}

# Sets PORT and DATA. With PORT 0 a free one is chosen; below the range that the kernel deals out to
# clients, so that no outgoing connection can sit on it.
claim() { # PORT OFFSET...: ports PORT + OFFSET are wanted
  local wanted=$1 tries=0 offset free
  shift
  while [ $tries -lt 200 ]; do
    tries=$((tries + 1))
    PORT=$wanted
    [ "$wanted" != 0 ] || PORT=$((20000 + RANDOM % 1200 * 10))
    DATA=$(folder "$PORT")
    free=1
    for offset in "$@"; do
      if taken $((PORT + offset)); then free=0; fi
    done
    if [ $free = 1 ] && mkdir "$DATA" 2>/dev/null; then return 0; fi
    [ "$wanted" = 0 ] || die "port $wanted is taken (by $DATA, or by another program)"
  done
  die 'found no free port'
}

at() { # [PORT]: finds the server that `up` started
  PORT=${1:-$DEFAULT_PORT}
  DATA=$(folder "$PORT")
  [ -d "$DATA" ] || die "nothing runs at port $PORT (no $DATA)"
}

end_process() { # FILE SIGNAL SECONDS: sends SIGNAL, waits, then kills
  alive "$1" || return 0
  local pid deadline=$((SECONDS + $3))
  pid=$(pid_in "$1")
  kill "-$2" "$pid" 2>/dev/null || true
  kill -CONT "$pid" 2>/dev/null || true # a paused process dies of nothing but KILL
  while alive "$1" && [ $SECONDS -lt $deadline ]; do sleep 0.02; done
  if alive "$1"; then kill -KILL "$pid" 2>/dev/null || true; fi
  deadline=$((SECONDS + 10))
  while alive "$1"; do
    [ $SECONDS -lt $deadline ] || die "process $pid does not end"
    sleep 0.02
  done
}

down_folder() { # FOLDER: kills what runs from it and deletes it
  local file
  for file in "$1"/pid "$1"/*/pid; do
    if [ -f "$file" ]; then end_process "$file" KILL 10; fi
  done
  rm -rf -- "$1"
}

# Takes down what belongs to a process that is gone. Servers that somebody started by hand have no
# owner and stay; so do those of a test that is running now.
sweep() {
  local dir
  for dir in "$(folder '')"*; do
    if [ -O "$dir" ] && [ -f "$dir/owner" ] && ! alive "$dir/owner"; then
      say "cleaning up $dir, whose owner is gone"
      down_folder "$dir"
    fi
  done
}
