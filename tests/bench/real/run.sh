#!/bin/bash
# Runs ticketchat and products that a user would take instead, side by side, on
# the same fake Ollama, and prints a table.  docs/peers.md says how to install
# them, what is not equal, and what was measured.
#
#   tests/bench/real/run.sh [-q] [-r ROUNDS] [-s SERVERS] [-t TESTS] [-o RESULTS.jsonl]
#
# SERVERS: of "tc tc-full litellm litellm-disk owui chainlit aisdk llm"; tc-full
#          is ticketchat with the system's libcurl (CURL=no)
# TESTS:   of "start first cached1 cached10 s20 s100 same idle leave kill"
# Loopback only, ports 17000-17010; ends only what it started.
set -u
here=$(cd "$(dirname "$0")" && pwd)
P=${PEERS:-/tmp/peers}
rounds=3 quick='' out=$P/results.jsonl
servers="tc tc-full litellm litellm-disk owui chainlit aisdk llm"
tests="start first cached1 cached10 s20 s100 same idle leave kill"
while getopts qr:s:t:o: o; do
  case $o in
    q) quick=1 rounds=1 ;; r) rounds=$OPTARG ;; s) servers=$OPTARG ;; t) tests=$OPTARG ;; o) out=$OPTARG ;;
    *) exit 2 ;;
  esac
done
mkdir -p "$P/bin" "$P/log" "$P/run"
(cd "$here" && go build -o "$P/bin/" ./fake ./load) || exit 1
L=$P/bin/load
: >"$out"
export FAKE_URL=http://127.0.0.1:17000
LITELLM_MASTER_KEY=sk-bench-$(od -An -N16 -tx1 /dev/urandom | tr -d " \n")
export LITELLM_MASTER_KEY
export LLM_USER_PATH=$P/run/llm OLLAMA_HOST=127.0.0.1:17000
"$P/bin/fake" -addr 127.0.0.1:17000 >"$P/log/fake.log" 2>&1 & fake=$!
declare -A pid=()
cleanup() { for s in "${!pid[@]}"; do kill "${pid[$s]}" 2>/dev/null; done; kill $fake 2>/dev/null; }
trap cleanup EXIT
port() { case $1 in tc) echo 17001 ;; tc-full) echo 17002 ;; litellm) echo 17003 ;; litellm-disk) echo 17004 ;; owui) echo 17005 ;; chainlit) echo 17006 ;; aisdk) echo 17007 ;; esac; }

start() { # server
  local s=$1 p; p=$(port "$s")
  case $s in
    tc | tc-full)
      [ -n "${keepdb:-}" ] || rm -rf "$P/run/$s"
      mkdir -p "$P/run/$s"
      [ "$s" = tc ] && mf= || mf=CURL=no
      (cd "$P/$s" || exit 1
        export MAKEFLAGS="$mf" OLLAMA_MODEL=fake OLLAMA_SERVER="$FAKE_URL/api/generate"
        for kv in PORT=$p ADDRESS=127.0.0.1 DATABASE=$P/run/$s/t.db RUN_DIR=$P/run/$s/run LOG=$P/run/$s/log \
          GENERATIONS=1000 QUEUE_MAX=4096 MAX_CONNECTIONS=2000; do export "${kv?}" "TICKETCHAT_$kv"; done
        exec "$L" serve ./run.sh) >"$P/log/$s.log" 2>&1 & ;;
    litellm | litellm-disk)
      [ "$s" = litellm ] && c=litellm-local || c=litellm-disk
      [ -n "${keepdb:-}" ] || rm -rf "$P/run/litellm-disk"
      "$L" serve "$P/v-litellm/bin/litellm" --config "$here/conf/$c.yaml" --host 127.0.0.1 --port "$p" >"$P/log/$s.log" 2>&1 & ;;
    owui)
      mkdir -p "$P/run/owui"
      (cd "$P/run/owui" && DATA_DIR=$P/run/owui OLLAMA_BASE_URL=$FAKE_URL ENABLE_OPENAI_API=false BYPASS_MODEL_ACCESS_CONTROL=true \
        HF_HUB_OFFLINE=1 OFFLINE_MODE=true RAG_EMBEDDING_ENGINE=ollama RAG_OLLAMA_BASE_URL=$FAKE_URL ANONYMIZED_TELEMETRY=false \
        DO_NOT_TRACK=true WEBUI_SECRET_KEY=bench-3f9a1c7e5d2b48603f9a1c7e5d2b4860 PYTHONWARNINGS=ignore \
        exec "$L" serve "$P/v-owui/bin/open-webui" serve --host 127.0.0.1 --port "$p") >"$P/log/$s.log" 2>&1 & ;;
    chainlit)
      mkdir -p "$P/run/chainlit"; cp "$here/conf/chainlit_app.py" "$P/run/chainlit/app.py"
      (cd "$P/run/chainlit" && exec "$L" serve "$P/v-chainlit/bin/chainlit" run app.py --headless --host 127.0.0.1 --port "$p") >"$P/log/$s.log" 2>&1 & ;;
    aisdk)
      cp "$here/conf/aisdk.mjs" "$P/aisdk/server.mjs"
      (cd "$P/aisdk" && PORT=$p exec "$L" serve node server.mjs) >"$P/log/$s.log" 2>&1 & ;;
    llm) mkdir -p "$P/run/llm"; return ;;
  esac
  pid[$s]=$!
}
stop() { [ -n "${pid[$1]:-}" ] || return; kill "${pid[$1]}" 2>/dev/null; wait "${pid[$1]}" 2>/dev/null; unset "pid[$1]"; sleep 0.5; }

id=${BASE_ID:-$(( $(date +%s) % 100000 * 10000 ))}
ask() { # server, arguments of load...
  local s=$1 p a; shift; p=$(port "$s")
  case $s in
    tc | tc-full) a=(-kind tc -url "ws://127.0.0.1:$p/api/websocket/chat/") ;;
    litellm*) a=(-kind openai -url "http://127.0.0.1:$p/v1/chat/completions" -key "$LITELLM_MASTER_KEY") ;;
    owui) a=(-kind "${owkind:-owui}" -url "http://127.0.0.1:$p" -key "@$P/run/owui.keys" -model fake:latest) ;;
    chainlit) a=(-kind chainlit -url "ws://127.0.0.1:$p/ws/socket.io/") ;;
    aisdk) a=(-kind aisdk -url "http://127.0.0.1:$p/api/chat") ;;
    llm) a=(-kind exec -url "$P/v-llm/bin/llm -m ollama/fake:latest" -pid -1) ;;
  esac
  [ "$s" = llm ] || a+=(-pid "${pid[$s]}")
  "$L" -fake $FAKE_URL -name "$s" -base "$id" "${a[@]}" "$@"
}
note() { # row, server, load...
  local row=$1 s=$2; shift 2
  id=$((id + 1000))
  ask "$s" -row "$row" "$@" >>"$out" || echo "$s failed at $row" >&2
}
owui_users() { # 100 users, once
  [ -s "$P/run/owui.keys" ] && [ -s "$P/run/owui/webui.db" ] && return
  local u=http://127.0.0.1:17005/api/v1/auths t i
  t=$(curl -s $u/signup -H 'Content-Type: application/json' -d '{"name":"admin","email":"admin@localhost.test","password":"Bench-1234567890"}' | jq -r .token)
  for i in $(seq 100); do
    curl -s $u/add -H "Authorization: Bearer $t" -H 'Content-Type: application/json' \
      -d '{"name":"u'"$i"'","email":"u'"$i"'@localhost.test","password":"Bench-1234567890","role":"user"}' | jq -r .token
  done >"$P/run/owui.keys"
}
ready() { # server: until a question is answered
  local s=$1 k
  for k in $(seq 1200); do
    if (: <"/dev/tcp/127.0.0.1/$(port "$s")") 2>/dev/null; then
      if [ "$s" = owui ]; then
        curl -sf http://127.0.0.1:17005/health >/dev/null && { owui_users; break; }
      else
        id=$((id + 1)); ask "$s" -tokens 1 -timeout 5s 2>/dev/null | grep -q '"ok":1' && return 0
      fi
    fi
    sleep 0.05
  done
  for k in $(seq 100); do
    id=$((id + 1)); ask "$s" -tokens 1 -timeout 10s 2>/dev/null | grep -q '"ok":1' && return 0
    sleep 0.05
  done
  echo "$s does not answer" >&2; tail -5 "$P/log/$s.log" >&2; return 1
}
now() { date +%s%N; }

all=()
for s in $servers; do all+=("$s"); done
# A first start of each is not measured: databases are made, files are cached.
# Then one at a time, alone, so that no two share pages.
for s in "${all[@]}"; do
  [ "$s" != llm ] || { start llm; continue; }
  start "$s"; ready "$s" || exit 1; stop "$s"
done
if [[ " $tests " == *" start "* ]]; then
  for _ in $(seq "$rounds"); do
    for s in "${all[@]}"; do
      [ "$s" != llm ] || continue
      t=$(now); start "$s"; ready "$s" || continue
      t=$(( ($(now) - t) / 1000000 ))
      sleep 2
      read -r kb np < <("$L" pss "${pid[$s]}")
      echo "{\"name\":\"$s\",\"row\":\"start\",\"start_ms\":$t,\"idle_mb\":$((kb / 1024)).$((kb % 1024 * 10 / 1024)),\"procs\":$np}" >>"$out"
      stop "$s"
    done
  done
fi
for s in "${all[@]}"; do [ "$s" = llm ] || { start "$s"; ready "$s" || exit 1; }; done
rm -f "$P/run/owui.refs"
n50=50 n15=15 s100=100; [ -z "$quick" ] || { n50=5 n15=3 s100=30; }
one() { # test, server
  local s=$2
  case $1:$s in
    first:llm) note first llm -n 1 -m $(( (n50 + 2) / 3 )) -tokens 10 ;;
    first:*) note first "$s" -n 1 -m $n50 -tokens 10
      [ "$s" != owui ] || owkind="openai" note first-api owui -url http://127.0.0.1:17005/api/chat/completions -n 1 -m $n50 -tokens 10 ;;
    cached*:chainlit | cached*:aisdk | cached*:llm) ;;
    cached1:owui | cached10:owui)
      [ -s "$P/run/owui.refs" ] || note refs owui -n 10 -m 1 -tokens 200 -refs "$P/run/owui.refs"
      [ "$1" = cached1 ] && q=(1 "$n50") || q=(10 "$n15")
      owkind="get" note "$1" owui -url "http://127.0.0.1:17005/api/v1/chats/" -refs "$P/run/owui.refs" -n "${q[0]}" -m "${q[1]}" -tokens 200 ;;
    cached1:*) note cached1 "$s" -set 10 -n 1 -m $n50 -tokens 200 ;;
    cached10:*) note cached10 "$s" -set 10 -n 10 -m $n15 -tokens 200 ;;
    *:litellm-disk) ;; # but for its cache it is litellm
    s20:*) note s20 "$s" -n 20 -m 1 -tokens 200 -interval_us 20000 -mem 600ms ;;
    s100:llm) ;;
    s100:*) note s100 "$s" -n $s100 -m 1 -tokens 200 -interval_us 20000 -mem 600ms ;;
    idle:tc* | idle:owui | idle:chainlit) note idle "$s" -mode idle -n 100 -hold 3s; sleep 1 ;;
    idle:*) ;;
    same:*) note same "$s" -mode same -n 20 -m 1 -hold 1s -tokens 200 -interval_us 20000 -mem 600ms ;;
    leave:*) note leave "$s" -mode leave -n 1 -tokens 200 -interval_us 20000 -hold 6s -refs "$P/run/$s.left"
      # The same question again: from where does the answer come?
      sleep 0.3; ask "$s" -row leave-again -n 1 -tokens 200 -interval_us 20000 >>"$out"
      [ "$s" != owui ] || chatstate owui "$P/run/owui.left" >>"$out" ;;
  esac
}
chatstate() { # what is stored of a chat: tokens, done?
  local c k
  read -r c k <"$2" || return
  curl -s -H "Authorization: Bearer $(sed -n $((k + 1))p "$P/run/owui.keys")" "http://127.0.0.1:17005/api/v1/chats/$c" |
    jq -c --arg row "${3:-leave}-stored" '{name:"owui",row:$row,stored:[.chat.history.messages[]|select(.role=="assistant")|{done,len:((.content//"")|length),tokens:((.content//((.output//[])|tostring))|[scan("[0-9]+:[0-9]{6,};")]|length),out:((.output//[])|length)}]}'
}
for t in $tests; do
  case $t in start | kill) continue ;; esac
  n=$rounds; [ "$t" != leave ] || n=1 # what happens, not how fast
  for _ in $(seq "$n"); do
    for s in "${all[@]}"; do one "$t" "$s"; done
  done
done
if [[ " $tests " == *" kill "* ]]; then
  for s in "${all[@]}"; do
    case $s in litellm-disk | llm) continue ;; esac
    note kill "$s" -mode kill -kills tree -tokens 200 -interval_us 20000 -hold 6s
    [ "$s" != owui ] || tail -1 "$out" | jq -r .ref >"$P/run/owui.killed"
    wait "${pid[$s]}" 2>/dev/null; unset "pid[$s]"; sleep 0.5
    keep=$id
    keepdb=1 start "$s"; ready "$s" || continue
    after=$id; id=$keep
    [ "$s" != owui ] || chatstate owui "$P/run/owui.killed" kill >>"$out"
    ask "$s" -row kill-again -n 1 -tokens 200 -interval_us 20000 >>"$out"
    id=$after
  done
fi
python3 "$here/table.py" "$out"
