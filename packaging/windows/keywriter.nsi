; The installer for Windows: for one user, without an administrator. makensis -DVERSION=… -DPROGRAMS=folder -DOUTPUT=file
Unicode true
Target amd64-unicode
SetCompressor /SOLID lzma
ManifestDPIAware true
!include MUI2.nsh
!include StrFunc.nsh
${StrStr}
${UnStrRep}

Name "KeyWriter"
OutFile "${OUTPUT}"
RequestExecutionLevel user
InstallDir "$LOCALAPPDATA\Programs\KeyWriter"
InstallDirRegKey HKCU "Software\KeyWriter" "Folder"
BrandingText "KeyWriter ${VERSION}"
VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "KeyWriter"
VIAddVersionKey "FileDescription" "KeyWriter setup"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "LegalCopyright" "MIT or Apache-2.0"

!define MUI_ICON "keywriter.ico"
!define MUI_UNICON "keywriter.ico"
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!define MUI_FINISHPAGE_RUN "$INSTDIR\keywriter-desktop.exe"
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "German"
!insertmacro MUI_LANGUAGE "French"

LangString Virtual ${LANG_ENGLISH} "Virtual modules, for evaluation"
LangString Virtual ${LANG_GERMAN} "Virtuelle Module zum Ausprobieren"
LangString Virtual ${LANG_FRENCH} "Modules virtuels, pour essayer"
LangString PathTooLong ${LANG_ENGLISH} "The PATH of this user is too long to be changed safely. Add this folder to it by hand:"
LangString PathTooLong ${LANG_GERMAN} "Der PATH dieses Benutzers ist zu lang, um ihn sicher zu ändern. Tragen Sie diesen Ordner selbst ein:"
LangString PathTooLong ${LANG_FRENCH} "Le PATH de cet utilisateur est trop long pour être modifié sans risque. Ajoutez-y ce dossier vous-même :"

!define ENTRY "Software\Microsoft\Windows\CurrentVersion\Uninstall\KeyWriter"
!define CLASSES "Software\Classes"

; Puts the length of the user's PATH in bytes into $1; $0 is 0 if there is one.
!macro PathLength
  System::Call 'advapi32::RegGetValueW(p 0x80000001, w "Environment", w "Path", i 0x10000006, p 0, p 0, *i .r1) i .r0'
!macroend

; A string of this installer holds so many characters: a longer PATH would be cut off, and is left alone.
!define /math PATH_BYTES ${NSIS_MAX_STRLEN} - 300
!define /math PATH_LIMIT ${PATH_BYTES} * 2

Section "KeyWriter"
  SectionIn RO
  SetOutPath "$INSTDIR"
  File "${PROGRAMS}\keywriter-desktop.exe"
  File "${PROGRAMS}\keywriter.exe"
  File "${PROGRAMS}\age-plugin-keywriter.exe"
  File "${PROGRAMS}\THIRD-PARTY-LICENSES.txt"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\KeyWriter.lnk" "$INSTDIR\keywriter-desktop.exe"
  WriteRegStr HKCU "Software\KeyWriter" "Folder" "$INSTDIR"

  WriteRegStr HKCU "${ENTRY}" "DisplayName" "KeyWriter"
  WriteRegStr HKCU "${ENTRY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${ENTRY}" "DisplayIcon" "$INSTDIR\keywriter-desktop.exe"
  WriteRegStr HKCU "${ENTRY}" "Publisher" "KeyWriter"
  WriteRegStr HKCU "${ENTRY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${ENTRY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${ENTRY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${ENTRY}" "NoModify" 1
  WriteRegDWORD HKCU "${ENTRY}" "NoRepair" 1

  WriteRegStr HKCU "${CLASSES}\.kw" "" "KeyWriter.File"
  WriteRegStr HKCU "${CLASSES}\KeyWriter.File" "" "KeyWriter"
  WriteRegStr HKCU "${CLASSES}\KeyWriter.File\DefaultIcon" "" "$INSTDIR\keywriter-desktop.exe,0"
  WriteRegStr HKCU "${CLASSES}\KeyWriter.File\shell\open\command" "" '"$INSTDIR\keywriter-desktop.exe" "%1"'

  !insertmacro PathLength
  ${If} $0 != 0
    WriteRegExpandStr HKCU "Environment" "Path" "$INSTDIR"
  ${ElseIf} $1 > ${PATH_LIMIT}
    DetailPrint "$(PathTooLong) $INSTDIR"
  ${Else}
    ReadRegStr $2 HKCU "Environment" "Path"
    ${StrStr} $3 "$2;" "$INSTDIR;"
    ${If} $2 == ""
      WriteRegExpandStr HKCU "Environment" "Path" "$INSTDIR"
    ${ElseIf} $3 == ""
      WriteRegExpandStr HKCU "Environment" "Path" "$2;$INSTDIR"
    ${EndIf}
  ${EndIf}
  SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=5000
SectionEnd

Section "$(Virtual)"
  SetOutPath "$INSTDIR"
  File "${PROGRAMS}\virtual-hub.exe"
  File "${PROGRAMS}\hub-panel.exe"
SectionEnd

; What the user made (%LOCALAPPDATA%\keywriter) stays.
Section "Uninstall"
  Delete "$INSTDIR\keywriter-desktop.exe"
  Delete "$INSTDIR\keywriter.exe"
  Delete "$INSTDIR\age-plugin-keywriter.exe"
  Delete "$INSTDIR\virtual-hub.exe"
  Delete "$INSTDIR\hub-panel.exe"
  Delete "$INSTDIR\THIRD-PARTY-LICENSES.txt"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\KeyWriter.lnk"
  DeleteRegKey HKCU "${ENTRY}"
  DeleteRegKey HKCU "Software\KeyWriter"
  DeleteRegKey HKCU "${CLASSES}\KeyWriter.File"
  ReadRegStr $2 HKCU "${CLASSES}\.kw" ""
  ${If} $2 == "KeyWriter.File"
    DeleteRegKey HKCU "${CLASSES}\.kw"
  ${EndIf}

  !insertmacro PathLength
  ${If} $0 == 0
  ${AndIf} $1 <= ${PATH_LIMIT}
    ReadRegStr $2 HKCU "Environment" "Path"
    ${If} $2 == "$INSTDIR"
      DeleteRegValue HKCU "Environment" "Path"
    ${Else}
      ${UnStrRep} $3 "$2;" ";$INSTDIR;" ";"
      StrCpy $3 $3 -1
      WriteRegExpandStr HKCU "Environment" "Path" "$3"
    ${EndIf}
  ${EndIf}
  SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=5000
SectionEnd
