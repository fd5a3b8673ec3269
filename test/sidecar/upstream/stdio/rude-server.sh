# A stdio server that answers each line with itself. MANNER says how it behaves besides.
case $MANNER in
  well) ;;
  # Takes neither the end of its stdin nor TERM for an answer.
  deaf) trap '' TERM HUP INT; LINGER=1 ;;
  # Its daemon has a session of its own, and no pipe of ours.
  daemon) (setsid sh -c 'trap "" TERM HUP INT; sleep 1000 & wait; sleep 1000' </dev/null >/dev/null 2>&1 &) ;;
  # The same, holding its pipes.
  holder) (setsid sh -c 'trap "" TERM HUP INT; sleep 1000 & wait; sleep 1000' &) ;;
  # Ends, and leaves children in its group and outside of it.
  leaver)
    sleep 1000 &
    (setsid sleep 1000 &)
    read -r line && echo "$line"
    exit 3
    ;;
  zombies) for each in 1 2 3 4 5; do (:) & done ;;
  crash) echo "first line" >&2; printf 'Bearer of bad news\033[2K\r\302\2332K' >&2; kill -SEGV $$ ;;
  fail) echo "cannot read its configuration" >&2; exit 7 ;;
  environment) env; pwd; umask; ls -ld "$HOME" "$TMPDIR" "$XDG_RUNTIME_DIR" ;;
  # Adopted by the supervisor once its keeper is dead.
  unkept) (setsid sleep 1000 &); sleep 0.1; kill -9 $PPID; sleep 1000 ;;
  flood) head -c "$BYTES" /dev/zero ;;
  flood-stderr) head -c "$BYTES" /dev/zero >&2; echo >&2 ;;
  chatty) yes >&2 & ;;
  # What it can reach of its keeper.
  spy) readlink /proc/$PPID/fd/2; echo forged >/proc/$PPID/fd/2 ;;
  # Another session's keeper obeys nobody.
  stopper) kill -STOP "$KEEPER" ;;
  flood-status) yes 'exited 0000000000000000 t0 code 0' >"$HOME/../../status" & ;;
  flood-err) yes 0123456789 | tr -d '\n' >"$HOME/../err" & ;;
  # Puts a link where the next sessions have their pipes, as fast as it can.
  swapper)
    swap() {
      for each in "$HOME"/../../*/out; do
        [ -p "$each" ] && [ "$each" != "$HOME/../out" ] && ln -sf "$SECRET" "$each"
      done
    }
    (while :; do swap; done) </dev/null &
    ;;
  unread) sleep 1000 ;;
esac
while read -r line; do echo "$line"; done
[ -z "$LINGER" ] || while :; do sleep 1000; done
