#compdef PROGRAM
# Completion of PROGRAM for zsh: the command itself says what may follow.
local -a said
local before=("${(@)words[2,CURRENT-1]}")
[[ $words[CURRENT] == -* ]] && before+=("$words[CURRENT]")
said=("${(@f)$(PROGRAM "${(@)before}" --generate-bash-completion 2>/dev/null)}")
if [[ -n $said[1] ]]; then
	_describe PROGRAM said
else
	_files
fi
