# Sourced by the run scripts beside it, from the root of the tree: the Python environments of the peers, below build/peers.

environment() { # environment NAME PACKAGE...: made once, and again when the packages change or it was left unfinished
  local folder=build/peers/$1
  shift
  [[ -e $folder/complete && $(<"$folder/complete") == "$*" ]] && return
  [[ -e $folder/complete ]] || rm -rf "$folder"
  [[ -e $folder ]] || python3 -m venv "$folder" ||
    { echo "tools/bench: needs python3-venv (apt-get install python3-venv)" >&2; exit 1; }
  "$folder/bin/pip" install --quiet "$@"
  echo "$*" >"$folder/complete"
}

# PyTorch's wheel cannot be imported without its CUDA packages, though nothing here uses them: about 7 GB of disk.
torch_environment() { environment torch torch torchvision opencv-python-headless numpy; }
tensorflow_environment() { environment tensorflow tensorflow-cpu keras; }
