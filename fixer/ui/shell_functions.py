"""What `fixer shell-init` prints: pt, ptf and ptu, and completion, for each shell that is known."""

from __future__ import annotations

from fixer.domain.errors import UsageError


def shell_functions(shell: str) -> str:
    """The text to be evaluated. Raises UsageError for an unknown shell."""
    if shell not in _TEXTS:
        raise UsageError(f"There are no functions for {shell or 'this shell'}.", f"Name one of: {', '.join(_TEXTS)}")
    return _TEXTS[shell]


_BASH_AND_ZSH = """\
# pt: pytest; where something is red, offers to fix it. ptf: fixer run. ptu: fixer undo.
unalias pt ptf ptu 2>/dev/null
pt() {
    pytest "$@"
    local code=$? answer
    case $code in 1|2) ;; *) return $code ;; esac
    [ -t 0 ] && [ -t 2 ] || return $code
    printf 'Fix what is red? [Y/n] ' >&2
    read -r answer || return $code
    case $answer in ''|[Yy]*) fixer run --lf ;; *) return $code ;; esac
}
ptf() { fixer run "$@"; }
ptu() { fixer undo "$@"; }
"""
_BASH = """
_fixer_complete() {
    local line=${COMP_LINE:0:$COMP_POINT} cur item prefix= rest
    local -a words
    read -a words <<<"$line"
    case $line in *' ') words[${#words[@]}]= ;; esac
    cur=${words[${#words[@]}-1]}
    # Bash takes what stands behind the last colon for a word of its own.
    case $COMP_WORDBREAKS in *:*) rest=${cur##*:}; [ "$rest" = "$cur" ] || prefix=${cur%"$rest"} ;; esac
    COMPREPLY=()
    while IFS= read -r item; do
        COMPREPLY[${#COMPREPLY[@]}]=$(printf '%q' "${item#"$prefix"}")
    done < <(command fixer complete -- "${words[@]:1}" 2>/dev/null)
}
complete -o default -F _fixer_complete fixer
"""
_ZSH = """
_fixer_complete() {
    local -a found
    found=("${(@f)$(command fixer complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    found=("${(@)found:#}")
    (( $#found )) && compadd -- "${found[@]}" || _files
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -C }
compdef _fixer_complete fixer
"""
_FISH = """\
# pt: pytest; where something is red, offers to fix it. ptf: fixer run. ptu: fixer undo.
function pt
    pytest $argv
    set -l code $status
    contains -- $code 1 2; or return $code
    isatty stdin; and isatty stderr; or return $code
    read -l -P 'Fix what is red? [Y/n] ' answer; or return $code
    string match -qri '^(y.*)?$' -- $answer; or return $code
    fixer run --lf
end
function ptf
    fixer run $argv
end
function ptu
    fixer undo $argv
end
complete -c fixer -a '(command fixer complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
"""
_TEXTS = {"bash": _BASH_AND_ZSH + _BASH, "zsh": _BASH_AND_ZSH + _ZSH, "fish": _FISH}
