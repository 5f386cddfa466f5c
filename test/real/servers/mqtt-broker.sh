# Sourced by ./mosquitto and ./hivemq, which define:
#   install              gets what the machine lacks
#   configure OPTION...  writes what the server needs into $DATA; OPTION is what --set gave
#   server_command       sets SERVER, the words that start the server of $DATA at $PORT
#   READY_SECONDS
# shellcheck shell=bash disable=SC2153,SC2154

launch() {
  local deadline=$((SECONDS + READY_SECONDS)) SERVER=()
  server_command
  ! alive "$DATA/pid" || die 'it is already running'
  # Its own session, so that a Ctrl-C at the tests ends the tests first.
  setsid "${SERVER[@]}" >>"$DATA/log" 2>&1 </dev/null &
  note_process "$DATA/pid" $!
  disown # or bash remarks on every broker that is killed
  until taken "$PORT"; do
    alive "$DATA/pid" || { tail -n 20 "$DATA/log" >&2; die 'it ended while starting'; }
    [ $SECONDS -lt $deadline ] || { tail -n 20 "$DATA/log" >&2; die 'it is not ready in time'; }
    sleep 0.02
  done
}

up() { # [PORT] [--secure] [--set 'OPTION VALUE']... [--owner PID]
  local port=$DEFAULT_PORT owner='' options=() offsets=(0)
  while [ $# -gt 0 ]; do
    case $1 in
      --set | --owner) [ $# -ge 2 ] || usage ;;&
      --secure) [ -n "$SECURE_OFFSETS" ] || usage; SECURE=1; read -ra offsets <<<"$SECURE_OFFSETS" ;;
      --set) options+=("$2"); shift ;;
      --owner) owner=$2; shift ;;
      [0-9]*) port=$1 ;;
      *) usage ;;
    esac
    shift
  done
  install
  claim "$port" "${offsets[@]}"
  trap 'down_folder "$DATA"' EXIT # unless all goes well
  if [ -n "$owner" ]; then note_process "$DATA/owner" "$owner"; fi
  mkdir "$DATA/data"
  configure "${options[@]}"
  launch
  trap - EXIT
  echo "$HOST:$PORT"
}

broker_command() { # COMMAND ARG...
  local command=${1:-}
  shift || true
  case $command in
    up) up "$@" ;;
    install) install ;;
    sweep) sweep ;;
    down | kill | stop | start | pause | resume | reload | status | log) at "$@" ;;&
    down) down_folder "$DATA" ;;
    kill) end_process "$DATA/pid" KILL 10 ;;
    stop) end_process "$DATA/pid" TERM 30 ;;
    start) install; launch ;;
    pause | resume | reload | status) alive "$DATA/pid" || die 'it is down' ;;&
    pause) kill -STOP "$(pid_in "$DATA/pid")" ;;
    resume) kill -CONT "$(pid_in "$DATA/pid")" ;;
    reload) kill -HUP "$(pid_in "$DATA/pid")" ;;
    status) echo "pid $(pid_in "$DATA/pid") port $PORT" ;;
    log) cat "$DATA/log" ;;
    *) usage ;;
  esac
}
