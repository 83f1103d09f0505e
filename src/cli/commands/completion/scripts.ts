/**
 * Scripts that make a shell ask wglab at every TAB. The words so far go in WGLAB_COMPLETE, each ended by a newline; the answer is a
 * line for each word that fits, with a tab and a description, and ":files" or ":folders" where the shell itself knows best.
 * No error may reach the prompt.
 */
export const COMPLETION_SCRIPTS = {
  bash: `_wglab() {
  local line IFS=$'\\n'
  COMPREPLY=()
  while read -r line; do
    case $line in
      :files) compopt -o default 2> /dev/null ;;
      :folders) compopt -o dirnames 2> /dev/null ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <(WGLAB_COMPLETE="\${COMP_WORDS[*]:1:COMP_CWORD}"$'\\n' "\${1/#\\~/$HOME}" completion bash 2> /dev/null)
}
complete -F _wglab wglab
`,

  zsh: `#compdef wglab
_wglab() {
  local line offered=1
  local -a described
  for line in "\${(@f)$(WGLAB_COMPLETE="\${(pj:\\n:)words[2,CURRENT]}"$'\\n' \${~words[1]} completion zsh 2> /dev/null)}"; do
    case $line in
      '') ;;
      :files) _files && offered=0 ;;
      :folders) _files -/ && offered=0 ;;
      *$'\\t'*) described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
      *) described+=("\${line//:/\\\\:}") ;;
    esac
  done
  (( \${#described} )) && _describe -t words wglab described && offered=0
  return offered
}
if [[ $funcstack[1] == _wglab ]]; then
  _wglab
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
  compdef _wglab wglab
fi
`,

  fish: `function __wglab_complete
    set -l words (commandline -opc) (commandline -ct)
    set -lx WGLAB_COMPLETE ''
    for word in $words[2..-1]
        set WGLAB_COMPLETE "$WGLAB_COMPLETE$word"\\n
    end
    set -l program (string replace -r '^~' $HOME -- $words[1])
    for line in ($program completion fish 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (commandline -ct)
            case :folders
                __fish_complete_directories (commandline -ct)
            case '*'
                echo $line
        end
    end
end
complete -c wglab -f -a '(__wglab_complete)'
`,
} as const;

export type Shell = keyof typeof COMPLETION_SCRIPTS;
