# Completion of PROGRAM for bash: the command itself says what may follow.
_PROGRAM() {
	local cur=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
	[[ $cur == -* ]] && words+=("$cur")
	mapfile -t COMPREPLY < <(compgen -W "$(PROGRAM "${words[@]}" --generate-bash-completion 2>/dev/null)" -- "$cur")
}
complete -o bashdefault -o default -F _PROGRAM PROGRAM
