"""Functions of shells that offer data sets, or the tags of weights of the network on the line, beside files.

Each is what shtab takes for an argument: for each shell what to call, and the text that defines it. Names of networks,
data sets and tags have no characters that a shell reads otherwise.
"""

from collections.abc import Iterable, Mapping
from typing import Any

# Bash takes the sign in --model=NAME for a word of its own, which shtab takes for the value.
BASH_WITHOUT_EQUALS_SIGNS = """
_zoo() {
  local word
  local -a words=()
  for word in "${COMP_WORDS[@]:0:COMP_CWORD}"; do
    [[ "$word" == "=" ]] || words+=("$word")
  done
  word="${COMP_WORDS[COMP_CWORD]}"
  words+=("${word#=}")
  local -a COMP_WORDS=("${words[@]}")
  local COMP_CWORD=$((${#words[@]} - 1))
  _shtab_zoo
}
complete -o bashdefault -F _zoo zoo
"""
# "dir" and "file" in the names tell bash's function of shtab to treat what is offered as paths too.
DATASETS, WEIGHTS = "_zoo_dataset_or_dir", "_zoo_weights_or_file"


def datasets_function(names: Iterable[str]) -> dict[str, Any]:
    """Offers data sets and folders."""
    words = " ".join(names)
    bash = f'{DATASETS}() {{\n  compgen -W "{words}" -- "$1"\n  compgen -d -- "$1"\n}}'
    zsh = f"{DATASETS}() {{\n  compadd -- {words}\n  _files -/\n}}"
    fish = f"function {DATASETS}\n  string split ' ' '{words}'\n  __fish_complete_directories\nend"
    return _calls(DATASETS, {"bash": bash, "zsh": zsh, "fish": fish}, tcsh="d")


def weights_function(tags: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """Offers files, and the tags of each network that is named on the line."""
    cases = [(name, " ".join(found)) for name, found in tags.items()]
    in_sh = "\n".join(f'      {name}) tags="$tags {found}" ;;' for name, found in cases)
    bash = f"""{WEIGHTS}() {{
  local word tags=""
  for word in "${{COMP_WORDS[@]}}"; do
    case "$word" in
{in_sh}
    esac
  done
  compgen -W "$tags" -- "$1"
  compgen -f -- "$1"
}}"""
    zsh = f"""{WEIGHTS}() {{
  local word tags=""
  for word in "${{words[@]}}"; do
    case "${{word#--model=}}" in
{in_sh}
    esac
  done
  compadd -- ${{=tags}}
  _files
}}"""
    in_fish = "\n".join(f"      case {name}\n        string split ' ' '{found}'" for name, found in cases)
    fish = f"""function {WEIGHTS}
  for word in (commandline -opc)
    switch (string replace -- '--model=' '' $word)
{in_fish}
    end
  end
  __fish_complete_path (commandline -ct)
end"""
    return _calls(WEIGHTS, {"bash": bash, "zsh": zsh, "fish": fish}, tcsh="f")


def _calls(name: str, preamble: Mapping[str, str], tcsh: str) -> dict[str, Any]:
    return {"bash": name, "zsh": name, "fish": f"({name})", "tcsh": tcsh, "preamble": dict(preamble)}
